# %% [markdown]
# # A differentiable JPEG layer
#
# `JpegProxy` does to a picture what JPEG does, and has a gradient; `EncodeDecodeIntra` adds the bits. Both are ordinary
# Keras layers. Here they are used alone: first to see how near they are to real files, then in a functional model with
# a network before and one after.
#
#     KERAS_BACKEND=jax python examples/codec_proxy.py --steps 600 --output runs/proxy

# %%
import argparse
from pathlib import Path

import keras
import numpy as np
from keras import ops

import keras_sandwich as ks

arguments = argparse.ArgumentParser(description="A differentiable JPEG layer, alone.")
arguments.add_argument("--steps", type=int, default=600, help="how many steps to train")
arguments.add_argument("--minutes", type=float, help="how long to train, instead of steps")
arguments.add_argument("--data", type=Path, help="folder of photographs to measure with")
arguments.add_argument("--output", type=Path, default=Path("runs/codec_proxy"))
options = arguments.parse_args()
options.output.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(0)

if options.data:
    photographs = list(ks.datasets.load_images(options.data).values())
else:
    photographs = list(ks.datasets.sample_images("test"))
photograph = photographs[0]
height, width, _ = photograph.shape
print(f"{len(photographs)} photographs, Keras {keras.__version__} on {keras.backend.backend()}")

# %% [markdown]
# ## How near is it?
#
# The same picture through the proxy and through Pillow's JPEG, at several quantizer steps: the PSNR between the two
# decoded pictures, and the bits that the proxy counts beside those of the real file. The proxy works in floating point
# and libjpeg in integers, and chroma is resampled by other filters, hence the difference in the pictures.


# %%
def psnr(a, b):
    return 10 * np.log10(255**2 / max(np.mean((np.asarray(a, "float64") - b) ** 2), 1e-6))


proxy = ks.layers.JpegProxy(convert_to_yuv=True, chroma_subsampling="4:2:0")
print("qstep   proxy to JPEG   JPEG to original   bits: proxy    file")
for qstep in (4, 8, 16, 32):
    decoded, indices = proxy(photograph[None], qstep=float(qstep))
    decoded = np.round(ops.convert_to_numpy(decoded)[0])
    bits = ks.ops.jpeg_file_bits(indices, (height, width), "4:2:0", huffman="optimized")
    codec = ks.codecs.JPEG(qstep=qstep, chroma_subsampling="4:2:0")
    file = codec.encode(photograph.astype("uint8"))
    real = codec.decode(file)
    print(
        f"{qstep:5d} {psnr(decoded, real):12.1f} dB {psnr(real, photograph):15.1f} dB "
        f"{int(bits[0]):14d} {8 * len(file):7d}"
    )

# %% [markdown]
# ## In a model of your own
#
# The layer has a gradient, so a network *before* it can learn what is good for the codec, together with one after it.
# This is a functional Keras model with two outputs, the picture and its bits; Keras weighs their losses. Both networks
# start by changing nothing, so step 0 is plain JPEG.


# %%
def correction(images, name):
    """images + 25·U-Net(images/255), with a small U-Net."""
    unet = ks.models.UNet(
        3, (16, 32), (32, 16, 16), output_initializer="zeros", patch_size=2, name=name
    )
    return images + 25.0 * unet(images / 255.0 - 0.5)


def mean_bits(target, bits):
    return ops.mean(bits) / (128 * 128 * 3)


inputs = keras.Input((None, None, 3), name="photograph")
codec_input = correction(inputs, "before")
decoded, bits = ks.layers.EncodeDecodeIntra(
    qstep_init=39.0,  # the effective step is this + 1
    train_qstep=False,
    rate_model=ks.layers.JpegRate(
        gradient="unrounded", interleaved=True, chroma_subsampling="4:2:0"
    ),
    convert_to_yuv=True,
    chroma_subsampling="4:2:0",
    name="codec",
)(codec_input)
restored = correction(decoded, "after")
model = keras.Model(inputs, {"picture": restored, "bits": bits})
model.compile(
    keras.optimizers.Adam(),
    loss={"picture": "mse", "bits": mean_bits},
    loss_weights={"picture": 1.0, "bits": 400.0},
)

# %% [markdown]
# The training pictures are 128×128 crops; the bits have no target, so zeros stand in for it.

# %%
crops = ks.datasets.image_folder(
    ks.datasets.sample_images("train"), crop_size=128, batch_size=8, steps_per_epoch=25
)


class WithTargets(keras.utils.PyDataset):
    """Batches of crops, with what `fit` is to compare the two outputs to."""

    epoch = 0

    def __len__(self):
        return len(crops)

    def __getitem__(self, index):
        pictures = crops.batch(index, self.epoch)
        return pictures, {"picture": pictures, "bits": np.zeros(len(pictures), "float32")}


trained = options.output / "model.keras"
if trained.exists():
    print(f"{trained} is there already: measuring it. Delete it to train anew.")
    model.load_weights(trained)
else:
    dataset = WithTargets()
    model.fit(
        dataset,
        epochs=-(-options.steps // len(crops)) if options.minutes is None else 100_000,
        shuffle=False,
        callbacks=[
            ks.callbacks.SynchronizeEpoch(dataset),
            ks.callbacks.TrainingBudget(
                2e-3, minutes=options.minutes, state_file=options.output / "budget.json"
            ),
            keras.callbacks.BackupAndRestore(options.output / "backup"),
        ],
        verbose=1,
    )
    model.save(trained)

# %% [markdown]
# ## Real files
#
# In use the codec is real: the network before it, a JPEG file, the network after it. Any object with `preprocess` and
# `postprocess` can be measured; the comparison is plain JPEG at the same bits, and every byte of the files counts. The
# networks were trained for one quantizer step and one weight of the bits, and far from there they do not help: for a
# whole range of rates one trains several models and takes the best of each.

# %%
before = keras.Model(inputs, codec_input)
decoded_input = keras.Input((None, None, 3))
after = keras.Model(
    decoded_input, decoded_input + 25.0 * model.get_layer("after")(decoded_input / 255.0 - 0.5)
)


class Networks:
    """The two halves, as `rd_curve` takes them."""

    name = "networks around JPEG"

    def preprocess(self, images):
        return before(images)

    def postprocess(self, bottlenecks, output_size=None):
        return after(bottlenecks)


codec = ks.codecs.JPEG(qstep=1, chroma_subsampling="4:2:0")
steps = (20, 26, 32, 40, 50, 64, 80, 100)
curves = [
    ks.evaluation.rd_curve(Networks(), photographs, codec, steps, verbose=0),
    ks.evaluation.rd_curve(
        ks.evaluation.CodecAlone(), photographs, codec, steps, name="JPEG 4:2:0", verbose=0
    ),
]
print(ks.evaluation.rd_table(curves, rates=(0.3, 0.4, 0.5)))

# %%
plot = options.output / "rate_distortion.png"
ks.evaluation.plot_rd(curves, plot, title="Two small networks around JPEG 4:2:0")
print(plot)
