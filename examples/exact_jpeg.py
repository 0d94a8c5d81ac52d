# %% [markdown]
# # How exact is it?
#
# A differentiable JPEG usually resembles JPEG: floating point where libjpeg has integers, other filters for chroma, an
# estimate for the bits. `JpegProxy(arithmetic="libjpeg")` computes in the forward pass what libjpeg computes, integer
# for integer, on whatever device the model runs; the gradient is that of the float form. This page measures both
# arithmetics against real files.
#
#     KERAS_BACKEND=jax python examples/exact_jpeg.py --data my_photographs

# %%
import argparse
from pathlib import Path

import keras
import numpy as np
from keras import ops

import keras_sandwich as ks

arguments = argparse.ArgumentParser(description="Both arithmetics of the proxy against libjpeg.")
arguments.add_argument("--data", type=Path, help="folder of photographs to measure with")
arguments.add_argument("--output", type=Path, default=Path("runs/exact_jpeg"))
options = arguments.parse_args()
options.output.mkdir(parents=True, exist_ok=True)

if options.data:
    photographs = [p.astype("uint8") for p in ks.datasets.load_images(options.data).values()]
else:
    photographs = [picture.astype("uint8") for picture in ks.datasets.sample_images("test")]
# An odd size, so that the edges of the pictures are put to the test as well.
photographs = [picture[: picture.shape[0] - 5, : picture.shape[1] - 3] for picture in photographs]
print(f"{len(photographs)} photographs, Keras {keras.__version__} on {keras.backend.backend()}")
print(ks.codecs.JPEG().version)

# %% [markdown]
# ## Pixels and bits, by quality and subsampling
#
# Each photograph is written by Pillow with standard Huffman tables and read again. Beside it both arithmetics decode
# the same picture: the PSNR between theirs and Pillow's pixels, the share of pixels that differ, and how far their
# count of bits is from the scan of the file. Stuffed bytes (a zero that JPEG puts behind each 255) are not counted,
# nor is the padding to a whole byte.


# %%
def scan_bits(file):
    """8 · the bytes of a file's scan, without stuffed ones."""
    start = file.index(b"\xff\xda")
    start += 2 + int.from_bytes(file[start + 2 : start + 4])
    return 8 * len(file[start:-2].replace(b"\xff\x00", b"\xff"))


def compare(arithmetic, quality, chroma):
    """PSNR to libjpeg's pixels, share of differing pixels, relative error of the bits."""
    color = {} if chroma == "4:0:0" else {"convert_to_yuv": True, "chroma_subsampling": chroma}
    subsampling = color.get("chroma_subsampling", "4:4:4")
    proxy = ks.layers.JpegProxy(**color, arithmetic=arithmetic)
    codec = ks.codecs.JPEG(quality=quality, chroma_subsampling=subsampling, optimize=False)
    errors, differing, excess = [], [], []
    for picture in photographs:
        picture = picture if color else picture[..., 1:2]
        decoded, indices = proxy(picture[None], quality=quality)
        file = codec.encode(picture)
        difference = np.round(ops.convert_to_numpy(decoded)[0]) - codec.decode(file)
        errors.append(np.mean(difference**2))
        differing.append(np.mean(np.any(difference != 0, axis=-1)))
        counted = ks.ops.jpeg_scan_bits(indices, picture.shape[:2], subsampling)
        whole_bytes = (int(counted[0]) + 7) // 8 * 8
        excess.append(whole_bytes / scan_bits(file) - 1)
    mse = np.mean(errors)
    psnr = "  exact" if mse == 0 else f"{10 * np.log10(255**2 / mse):5.1f} dB"
    furthest = max(excess, key=abs)
    bits = "exact" if furthest == 0 else f"{100 * furthest:+.2f} %"
    return psnr, f"{100 * np.mean(differing):.1f} %", bits


print(f"{'':16}{'float':^30}{'libjpeg':^30}")
print(f"{'chroma quality':16}" + 2 * f"{'PSNR':>9}{'differ':>10}{'bits':>10} ")
for chroma in ("4:0:0", "4:4:4", "4:2:2", "4:2:0"):
    for quality in (10, 30, 50, 75, 90, 100):
        line = f"{chroma} {quality:7d}   "
        for arithmetic in ("float", "libjpeg"):
            psnr, differ, bits = compare(arithmetic, quality, chroma)
            line += f"{psnr:>10}{differ:>10}{bits:>10}"
        print(line)

# %% [markdown]
# The PSNR of the float form falls where chroma is subsampled, because libjpeg reduces it by a box and enlarges it by a
# triangle where the float form has the filters of the paper.
#
# ## When to use which
#
# The float form is smooth, works for any range of values and any positive step, and is what the paper trains with. The
# exact form is for when the result itself matters: an evaluation on the device, a classifier that must stand real
# files, tables or networks tuned for a codec down to its rounding. Both have the same gradient; the exact one costs the
# integer forward pass on top, see [Benchmarks](../benchmarks.md).
