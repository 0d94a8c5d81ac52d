# %% [markdown]
# # Colour photographs over a grayscale codec
#
# A grayscale JPEG carries one channel. A *sandwich* puts a small network before it, which folds the three colours into
# that channel, and one after it, which unfolds them; both learn together, through a differentiable proxy of JPEG.
# What travels is an ordinary grayscale JPEG file.
#
# Run it as a script (`--minutes 20` is the default; `--steps` counts instead; killed and started again it goes on):
#
#     KERAS_BACKEND=torch python examples/grayscale_codec.py --minutes 20 --data my_photographs --output runs/gray

# %%
import argparse
from pathlib import Path

import keras
import numpy as np

import keras_sandwich as ks

arguments = argparse.ArgumentParser(description="Colour photographs over a grayscale JPEG.")
arguments.add_argument("--minutes", type=float, default=20.0, help="how long to train")
arguments.add_argument("--steps", type=int, help="how many steps to train, instead of minutes")
arguments.add_argument("--data", type=Path, help="folder of photographs to train on")
arguments.add_argument("--test", type=Path, help="folder of photographs to measure with")
arguments.add_argument("--output", type=Path, default=Path("runs/grayscale_codec"))
arguments.add_argument("--demo", action="store_true", help="four minutes, bundled photographs")
options = arguments.parse_args()
if options.demo:
    options.minutes = 4.0
options.output.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(0)
print(f"Keras {keras.__version__} on {keras.backend.backend()}")

# %% [markdown]
# ## Photographs
#
# Crops of 128×128 pixels to train on. Photographs from a camera are soft at full size, so those of a folder are reduced
# by two. The bundled photographs serve where no folder is given; those of the test split are never trained on. Each
# photograph comes in seven other colourings too, lest the networks learn the colours of a few by heart.

# %%
if options.data:
    training = list(ks.datasets.load_images(options.data).values())
else:
    training = list(ks.datasets.sample_images("train"))
crops = ks.datasets.image_folder(
    ks.datasets.recolor(training, copies=7),
    crop_size=128,
    reduction=2 if options.data else 1,
    batch_size=8,
    steps_per_epoch=25,
)
if options.test:
    photographs = ks.datasets.load_images(options.test)
    names, pictures = list(photographs), list(photographs.values())
else:
    names, pictures = ks.datasets.sample_names("test"), list(ks.datasets.sample_images("test"))
print(f"training on {len(training)} photographs, measuring with {len(pictures)} others")

# %% [markdown]
# ## The sandwich
#
# The linear paths start as a good code without any training: in each unit of 16×16 pixels, four blocks of JPEG, the
# lowest coefficients of the chroma take the place of single high coefficients of the luma, where a zero costs nothing.
# They stay as they are. The U-Nets start by adding nothing and learn to do better. `cascade` lets them see what the
# linear path made, and `unet_block_size` where in a unit they are; on 2×2 patches they are four times cheaper.
#
# `gamma` weighs the rate against the squared error; 450 suits quantizer steps around √450, about 1 bit per pixel.

# %%
model = ks.models.create_basic_model(
    bottleneck_channels=1,
    gamma=450.0,
    num_mlp_layers=1,
    patch_size=16,
    cascade=True,
    encoder_filters=(32, 64),
    decoder_filters=(128, 64, 32),
    unet_patch_size=2,
    unet_block_size=16,
)
model.build((None, None, None, 3))
print(f"{model.count_params():,} parameters")

# %% [markdown]
# ## Training
#
# `TrainingBudget` spends the minutes with a learning rate that falls to nearly nothing at their end. `VaryingQstep`
# gives each batch a quantizer step of its own, so that one model serves half a bit per pixel as well as one.

# %%
trained = options.output / "model.keras"
if trained.exists():
    print(f"{trained} is there already: measuring it. Delete it to train anew.")
    model = keras.saving.load_model(trained)
else:
    model.compile(keras.optimizers.Adam(), loss="mse")
    epochs = 100_000 if options.steps is None else -(-options.steps // 25)
    model.fit(
        crops,
        epochs=epochs,
        callbacks=[
            ks.callbacks.SynchronizeEpoch(crops),
            ks.callbacks.TrainingBudget(
                learning_rate=1e-3,
                minutes=options.minutes if options.steps is None else None,
                state_file=options.output / "budget.json",
            ),
            ks.callbacks.VaryingQstep(19, 48),
            keras.callbacks.BackupAndRestore(options.output / "backup"),
        ],
        verbose=1,
    )
    model.save(trained)

# %% [markdown]
# ## Real files
#
# Every number below is measured with JPEG files, all their bytes counted: the sandwich; what it started from, without
# networks; modulated chroma, on carriers of the two highest spatial frequencies as colour television once had it; luma
# only; and, for comparison, JPEG as it is meant for colour.

# %%
gray_jpeg = ks.codecs.JPEG(qstep=1)
steps = (6, 8, 10, 13, 16, 20, 26, 32, 40, 50, 64, 80)
curves = [
    ks.evaluation.rd_curve(model, pictures, gray_jpeg, steps, name="sandwich, grayscale JPEG"),
    ks.evaluation.rd_curve(
        ks.models.create_linear_baseline(patch_size=16),
        pictures,
        gray_jpeg,
        steps,
        name="linear baseline, multiplexed chroma",
    ),
    ks.evaluation.rd_curve(
        ks.models.create_linear_baseline(),
        pictures,
        gray_jpeg,
        steps,
        name="linear baseline, modulated chroma",
    ),
    ks.evaluation.rd_curve(
        ks.evaluation.CodecAlone(luma_only=True),
        pictures,
        gray_jpeg,
        steps,
        name="luma only, JPEG 4:0:0",
    ),
    ks.evaluation.rd_curve(
        ks.evaluation.CodecAlone(),
        pictures,
        ks.codecs.JPEG(qstep=1, chroma_subsampling="4:2:0"),
        steps,
        name="JPEG 4:2:0 (a colour codec)",
    ),
]
table = ks.evaluation.rd_table(curves, rates=(0.5, 1.0))
print(table)
(options.output / "table.txt").write_text(table + "\n", encoding="utf-8")

# %% [markdown]
# In brackets stands the sandwich's gain. So short a training adds little to the chain that it starts from; the bundled
# preset `grayscale`, trained for longer, [adds more](other_codecs.md).

# %%
plot = options.output / "rate_distortion.png"
ks.evaluation.plot_rd(curves, plot, title="Colour photographs over a grayscale codec")
print(plot)

# %% [markdown]
# ## What it looks like
#
# At about 0.75 bits per pixel, and luma only at as many. The bottleneck is what the JPEG file shows in any viewer:
# the picture in gray, the colours woven into it as a fine texture on single blocks.

# %%
rate = 0.75
luma = ks.evaluation.CodecAlone(luma_only=True)
rows = []
for number in (0, len(pictures) // 2, len(pictures) - 1):
    picture = pictures[number]
    ours = gray_jpeg.with_strength(curves[0].strength_at(rate, number))
    result = ks.transport(model, picture[None], ours)
    pixels = picture.shape[0] * picture.shape[1]
    theirs = gray_jpeg.with_strength(curves[3].strength_at(result["rate"][0] / pixels, number))
    gray = keras.ops.convert_to_numpy(luma.preprocess(picture[None]))[0]
    file = theirs.encode(np.clip(np.round(gray), 0, 255).astype("uint8"))
    rows.append(
        {
            names[number]: picture,
            "bottleneck": result["bottleneck"][0],
            "decoded bottleneck": result["compressed_bottleneck"][0],
            f"reconstruction, {result['rate'][0] / pixels:.2f} bpp": result["prediction"][0],
            f"JPEG 4:0:0, {8 * len(file) / pixels:.2f} bpp": theirs.decode(file),
        }
    )
side_by_side = options.output / "pictures.png"
ks.evaluation.plot_pictures(rows, side_by_side)
print(side_by_side)
