# %% [markdown]
# # Depth over ordinary JPEG
#
# A depth camera has 16 bits and a link that takes JPEG: 8 bits, three channels. The makers' way, depth as hue, comes
# back with wrong colours at every edge, and a wrong colour is a wrong distance. This page sends one map through real
# JPEG files in four ways: as 256 levels of gray, as hue, as the two layers of `create_depth_codec_model` (a base in the
# luma, what is left of its coefficients in the chroma), and with the network of the preset `depth` behind them.
#
#     KERAS_BACKEND=torch python examples/depth_maps.py --map my_depth.png

# %%
import argparse
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np

import keras_sandwich as ks

arguments = argparse.ArgumentParser(description="One depth map through JPEG in four ways.")
arguments.add_argument("--map", type=Path, help="a depth map, anything that load_depth reads")
arguments.add_argument("--output", type=Path, default=Path("runs/depth_maps"))
options = arguments.parse_args()
options.output.mkdir(parents=True, exist_ok=True)

if options.map:
    depth = ks.depth.load_depth(options.map)
else:
    depth = ks.datasets.synthetic_depth(240, 320, seed=(9000, 2), holes=True)
filled, holes = ks.depth.fill_holes(depth)
low, high = int(filled.min()), int(filled.max())
scaled = np.rint((filled.astype("float64") - low) / (high - low) * 65535).astype("uint16")
print(f"{depth.shape[1]}×{depth.shape[0]}, {low} to {high}, {100 * holes.mean():.1f} % holes")
print(f"Keras {keras.__version__} on {keras.backend.backend()}")

# %% [markdown]
# ## Four ways to be a picture of 8 bits
#
# Each is a JPEG file that any viewer opens. Of the two layers the luma alone is the map; the chroma holds what the
# luma's quantizer left over, several times as large.

# %%
model = ks.models.CompressIntraModel.from_preset("depth")
layers = ks.models.create_depth_codec_model(use_unet_postprocessor=False)
layers.build((None, None, None, 1))


def through(codec, picture):
    file = codec.encode(picture)
    return file, codec.decode(file)


def as_levels(qstep):
    file, decoded = through(ks.codecs.JPEG(qstep=qstep), ks.depth.encode_levels(scaled))
    return file, decoded, ks.depth.decode_levels(decoded)


def as_hue(qstep):
    file, decoded = through(ks.codecs.JPEG(qstep=qstep), ks.depth.encode_hue(scaled))
    return file, decoded, ks.depth.decode_hue(decoded)


def as_layers(qstep, sandwich=layers):
    samples = (scaled * (65280 / 65535)).astype("float32")[..., None]
    bottleneck = ks.inference.preprocess_picture(sandwich, samples, qstep=qstep)
    file, decoded = through(ks.codecs.JPEG(qstep=qstep), ks.codecs.to_samples(bottleneck))
    restored = ks.inference.postprocess_picture(sandwich, decoded, scaled.shape, qstep=qstep)
    return file, decoded, np.clip(restored[..., 0], 0, 65280) * (65535 / 65280)


def with_network(qstep):
    return as_layers(qstep, model)


WAYS = {
    "256 levels": (as_levels, (1, 2, 4, 8, 16, 32)),
    "hue": (as_hue, (1, 2, 4, 8, 16, 32)),
    "two layers": (as_layers, (8, 9, 10, 12, 16, 32)),
    "two layers, network": (with_network, (8, 9, 10, 12, 16, 32)),
}


def measures(restored):
    error = ks.depth.end_point_error(scaled + 1.0, restored + 1.0, ~holes) * (high - low) / 65535
    again = low + np.asarray(restored, "float64") / 65535 * (high - low)
    return error, 100 * ks.depth.share_off(filled.astype("float64"), again, valid=~holes)


curves = {}
print(f"{'':20} step   bpp    error   off by 1 %")
for name, (way, qsteps) in WAYS.items():
    for qstep in qsteps:
        file, _, restored = way(qstep)
        error, off = measures(restored)
        curves.setdefault(name, []).append((8 * len(file) / depth.size, error))
        print(f"{name:20} {qstep:4} {curves[name][-1][0]:5.2f} {error:8.2f} {off:9.2f} %")

# %% [markdown]
# ## The bottlenecks and their errors
#
# At about as many bits each. Above what a viewer shows, below how far each pixel is off: white is nothing, black 1 % of
# the range. Hue is off where edges are; 256 levels are off everywhere, by half a level.

# %%
shown = {"256 levels": 4, "hue": 16, "two layers": 10, "two layers, network": 10}
figure, axes = plt.subplots(2, len(shown), figsize=(12, 5), constrained_layout=True)
for column, (name, qstep) in zip(axes.T, shown.items(), strict=True):
    file, decoded, restored = WAYS[name][0](qstep)
    picture = np.repeat(decoded, 3, axis=-1) if decoded.shape[-1] == 1 else decoded
    column[0].imshow(picture)
    column[0].set_title(f"{name}, {8 * len(file) / depth.size:.2f} bpp")
    off = np.where(holes, 0, np.abs(restored - scaled.astype("float64")) / 655.35)
    column[1].imshow(off, cmap="gray_r", vmin=0, vmax=1)
    column[1].set_title(f"error {measures(restored)[0]:.1f}")
    for axis in column:
        axis.axis("off")
figure.savefig(options.output / "bottlenecks_and_errors.png", dpi=110)
print(options.output / "bottlenecks_and_errors.png")

# %%
figure, axis = plt.subplots(figsize=(6, 4), constrained_layout=True)
for name, points in curves.items():
    axis.plot(*zip(*sorted(points), strict=True), "o-", label=name)
axis.set(xlabel="bits per pixel", ylabel="end-point error", yscale="log")
axis.grid(alpha=0.3)
axis.legend()
figure.savefig(options.output / "error_by_bits.png", dpi=110)
print(options.output / "error_by_bits.png")

# %% [markdown]
# ## As files
#
# `encode_file` takes the map as it is, with its holes, and `decode_file` gives it back in its own unit.

# %%
if depth.dtype == np.uint16:
    file, restored = options.output / "depth.jpg", options.output / "restored.npy"
    np.save(options.output / "depth.npy", depth)
    info = ks.encode_file(options.output / "depth.npy", file, "depth", strength=10)
    ks.decode_file(file, restored)
    again = np.load(restored)
    print(f"{info.file_size} bytes, {info.bits_per_pixel:.2f} bpp, holds {info.holds}")
    print(f"holes where they were: {np.array_equal(again == 0, depth == 0)}")
    print(f"error {ks.depth.end_point_error(depth, again):.2f} of {high - low}")
