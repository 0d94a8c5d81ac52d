# %% [markdown]
# # Training with the codec itself
#
# A sandwich learns through a proxy, and the proxy is a JPEG. Around another codec, here WebP, it meets files that
# decode to something else and that cost other bits. Two ways of training use the real files: the network after the
# codec is trained on what they decode to, or the whole sandwich with files in each step, where only the gradient is the
# proxy's. Both are compared with as many more minutes of training through the proxy.
#
# Run it as a script (three minutes for each of four trainings are the default; killed and started again it goes on):
#
#     KERAS_BACKEND=torch python examples/through_the_codec.py --minutes 3 --data my_photographs --output runs/codec

# %%
import argparse
from pathlib import Path

import keras

import keras_sandwich as ks

arguments = argparse.ArgumentParser(description="Training a sandwich with the files of a codec.")
arguments.add_argument("--minutes", type=float, default=3.0, help="of each of the four trainings")
arguments.add_argument("--data", type=Path, help="folder of photographs to train on")
arguments.add_argument("--test", type=Path, help="folder of photographs to measure with")
arguments.add_argument("--output", type=Path, default=Path("runs/through_the_codec"))
options = arguments.parse_args()
options.output.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(0)

if options.data:
    photographs = list(ks.datasets.load_images(options.data).values())
else:
    photographs = list(ks.datasets.sample_images("train"))
if options.test:
    pictures = list(ks.datasets.load_images(options.test).values())
else:
    pictures = list(ks.datasets.sample_images("test"))
crops = ks.datasets.image_folder(photographs, crop_size=128, batch_size=8, steps_per_epoch=10)
print(f"training on {len(photographs)} photographs, measuring with {len(pictures)} others")
print(f"Keras {keras.__version__} on {keras.backend.backend()}")

# %% [markdown]
# ## A sandwich, trained through the proxy
#
# Colour over one channel, as in [the first tutorial](grayscale_codec.md). It is the start of all that follows.


# %%
def training(folder, learning_rate):
    """Callbacks: so many minutes, and a training that was killed goes on."""
    return [
        ks.callbacks.TrainingBudget(
            learning_rate,
            minutes=options.minutes,
            state_file=options.output / folder / "budget.json",
        ),
        keras.callbacks.BackupAndRestore(options.output / folder / "backup"),
    ]


def trained(name, train, start=None):
    """The model of a training that was done; or of one that is done now, from a model that was saved."""
    file = options.output / f"{name}.keras"
    if not file.exists():
        model = create() if start is None else keras.saving.load_model(start)
        train(model)
        model.save(file)
    return keras.saving.load_model(file)


def create():
    model = ks.models.create_basic_model(
        bottleneck_channels=1,
        gamma=700.0,
        encoder_filters=(32, 64),
        decoder_filters=(128, 64, 32),
        unet_patch_size=2,
        rounding="uniform_noise",
        seed=0,
    )
    model.build((None, None, None, 3))
    return model


def through_proxy(folder, learning_rate):
    def train(model):
        model.compile(keras.optimizers.Adam(), loss="mse")
        callbacks = [ks.callbacks.SynchronizeEpoch(crops), *training(folder, learning_rate)]
        model.fit(crops, epochs=100_000, callbacks=callbacks, verbose=0)

    return train


start = trained("start", through_proxy("start", 1.5e-3))
proxy_qstep = float(start.codec_proxy.effective_qstep())
print(f"the proxy's quantizer step is {proxy_qstep:.1f}")

# %% [markdown]
# ## What WebP is to the proxy
#
# `calibrate_qstep` says at which step the proxy loses as much of the bottleneck as WebP does at a quality.

# %%
webp = ks.codecs.WebP()
bottlenecks = keras.ops.convert_to_numpy(start.preprocess(crops.batch(0, epoch=0)))
for quality in (20, 50, 80):
    codec = ks.codecs.WebP(quality=quality)
    step = ks.training.calibrate_qstep(start.codec_proxy, bottlenecks, codec)
    print(f"WebP at quality {quality} loses as much as the proxy at step {step:.1f}")

# %% [markdown]
# The curve of the start around WebP; the strengths whose files have about 0.5 bits per pixel are trained for.

# %%
strengths = (10, 20, 30, 40, 50, 60, 70, 80, 90, 99)  # 101 − quality
rate = 0.5


def curve_of(model, name):
    return ks.evaluation.rd_curve(model, pictures, webp, strengths, name=name, verbose=0)


curves = [curve_of(start, "start")]
middle = curves[0].strength_at(rate)
trained_for = sorted({max(middle - 8, 1), middle, min(middle + 8, 101)})
print("strengths:", ", ".join(f"{strength:g}" for strength in trained_for))

# %% [markdown]
# ## The same minutes, spent in three ways
#
# **More training through the proxy**, with a learning rate that rises and falls again.

# %%
model = trained("proxy", through_proxy("proxy", 3e-4), options.output / "start.keras")
curves.append(curve_of(model, "more of the proxy"))

# %% [markdown]
# **The postprocessor alone.** The photographs are coded once, whole, turned and mirrored; nothing but the network after
# the codec changes, so files that are already written decode with the new one.


# %%
def postprocessor(model):
    ks.training.finetune_postprocessor(
        model,
        photographs,
        webp,
        trained_for,
        epochs=100_000,
        steps_per_epoch=10,
        augment=True,
        callbacks=training("postprocessor", 5e-4),
        verbose=0,
    )


model = trained("postprocessor", postprocessor, options.output / "start.keras")
curves.append(curve_of(model, "postprocessor on WebP files"))

# %% [markdown]
# **The codec in the loop.** In each step the bottlenecks become WebP files; the distortion is that of what they decode
# to, and the rate is their bits.


# %%
def in_the_loop(model):
    model.compile(keras.optimizers.Adam(), loss="mse")
    ks.training.train_through_codec(
        model,
        crops,
        webp,
        trained_for,
        epochs=100_000,
        callbacks=[ks.callbacks.SynchronizeEpoch(crops), *training("loop", 3e-4)],
        verbose=0,
    )


model = trained("loop", in_the_loop, options.output / "start.keras")
curves.append(curve_of(model, "WebP in the loop"))
proxy_qstep = float(model.codec_proxy.effective_qstep())
print(f"the proxy's quantizer step is now {proxy_qstep:.1f}, and will stay there")

# %% [markdown]
# ## Real files
#
# PSNR with WebP files of photographs that were not trained on, all bytes counted; in brackets what WebP in the loop has
# more or, negative, less. In a few minutes the postprocessor alone gains most: its steps cost half, and nothing that
# works already changes. With files in each step the preprocessor must find its way anew, which takes longer than that.

# %%
curves = [curves[-1], *curves[:-1]]
table = ks.evaluation.rd_table(curves, rates=(0.35, rate, 0.7))
print(table)
(options.output / "table.txt").write_text(table + "\n", encoding="utf-8")

# %%
plot = options.output / "rate_distortion.png"
ks.evaluation.plot_rd(curves, plot, title="Colour over a grayscale WebP")
print(plot)
