# %% [markdown]
# # High resolution over a low-resolution codec
#
# At few bits a photograph is better sent small: reduced, coded, enlarged again. A *sandwich* puts a network before the
# reduction and one after the enlargement, trained together through a differentiable proxy of JPEG, so that the small
# picture carries what the big one needs. What travels is an ordinary JPEG file of half the height and width.
#
# Run it as a script (`--minutes 20` is the default; `--steps` counts instead; killed and started again it goes on):
#
#     KERAS_BACKEND=torch python examples/lowres_codec.py --minutes 20 --data my_photographs --output runs/lowres

# %%
import argparse
from pathlib import Path

import keras

import keras_sandwich as ks

arguments = argparse.ArgumentParser(description="High resolution over a low-resolution JPEG.")
arguments.add_argument("--minutes", type=float, default=20.0, help="how long to train")
arguments.add_argument("--steps", type=int, help="how many steps to train, instead of minutes")
arguments.add_argument("--data", type=Path, help="folder of photographs to train on")
arguments.add_argument("--test", type=Path, help="folder of photographs to measure with")
arguments.add_argument("--output", type=Path, default=Path("runs/lowres_codec"))
options = arguments.parse_args()
options.output.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(0)
print(f"Keras {keras.__version__} on {keras.backend.backend()}")

# %% [markdown]
# ## Photographs
#
# Crops of 128×128 pixels to train on. Photographs from a camera are soft at full size, so those of a folder are reduced
# by two. The bundled photographs serve where no folder is given; those of
# the test split are never trained on.

# %%
crops = ks.datasets.image_folder(
    options.data or ks.datasets.sample_images("train"),
    crop_size=128,
    reduction=2 if options.data else 1,
    batch_size=4,
    steps_per_epoch=50,
)
if options.test:
    photographs = ks.datasets.load_images(options.test)
    names, pictures = list(photographs), list(photographs.values())
else:
    names, pictures = ks.datasets.sample_names("test"), list(ks.datasets.sample_images("test"))
print(f"training on {len(crops.names)} photographs, measuring with {len(pictures)} others")

# %% [markdown]
# ## The sandwich
#
# The linear paths start as the identity, so the sandwich starts as the chain everybody knows: bicubic reduction, JPEG,
# Lanczos3 enlargement. The U-Nets start by adding nothing. They work on 2×2 patches, one for each pixel of the small
# picture. The rate's gradient reaches the coefficients that are quantized to zero too (`gradient="unrounded"`).

# %%
model = ks.models.create_basic_model(
    bottleneck_channels=3,
    downsample_factor=2,
    gamma=400.0,
    rate_model=ks.layers.JpegRate(gradient="unrounded", interleaved=True),
    encoder_filters=(32, 64),
    decoder_filters=(128, 64, 32),
    unet_patch_size=2,
    rounding="uniform_noise",
    convert_to_yuv=True,
    chroma_subsampling="4:4:4",
    seed=0,
)
model.build((None, None, None, 3))
print(f"{model.count_params():,} parameters")

# %% [markdown]
# ## Training
#
# `TrainingBudget` spends the minutes with a learning rate that falls to nearly nothing at their end.

# %%
trained = options.output / "model.keras"
if trained.exists():
    print(f"{trained} is there already: measuring it. Delete it to train anew.")
    model = keras.saving.load_model(trained)
else:
    model.compile(keras.optimizers.Adam(), loss="mse")
    epochs = 100_000 if options.steps is None else -(-options.steps // 50)
    model.fit(
        crops,
        epochs=epochs,
        callbacks=[
            ks.callbacks.SynchronizeEpoch(crops),
            ks.callbacks.TrainingBudget(
                learning_rate=1.5e-3,
                minutes=options.minutes if options.steps is None else None,
                state_file=options.output / "budget.json",
            ),
            keras.callbacks.BackupAndRestore(options.output / "backup"),
        ],
        verbose=1,
    )
    model.save(trained)

# %% [markdown]
# ## Real files
#
# Every number below is measured with JPEG files, all their bytes counted, per pixel of the *big* picture: the sandwich;
# the chain that it started from, with the codec's chroma at full and at half size; and JPEG of the big picture itself.

# %%
full, half = (ks.codecs.JPEG(qstep=1, chroma_subsampling=chroma) for chroma in ("4:4:4", "4:2:0"))
steps = (4, 6, 8, 10, 13, 16, 20, 26, 32, 40, 50)
chain = ks.models.create_linear_baseline(bottleneck_channels=3, downsample_factor=2)
curves = [
    ks.evaluation.rd_curve(model, pictures, full, steps, name="sandwich, small JPEG"),
    ks.evaluation.rd_curve(
        chain, pictures, full, steps, name="bicubic, small JPEG 4:4:4, Lanczos3"
    ),
    ks.evaluation.rd_curve(
        chain, pictures, half, steps, name="bicubic, small JPEG 4:2:0, Lanczos3"
    ),
    ks.evaluation.rd_curve(
        ks.evaluation.CodecAlone(),
        pictures,
        half,
        (*steps, 64, 80, 100),
        name="JPEG 4:2:0 of the big picture",
    ),
]
table = ks.evaluation.rd_table(curves, rates=(0.3, 0.4, 0.5))
print(table)
(options.output / "table.txt").write_text(table + "\n", encoding="utf-8")

# %% [markdown]
# In brackets stands the sandwich's gain.

# %%
plot = options.output / "rate_distortion.png"
ks.evaluation.plot_rd(curves, plot, title="High resolution over a low-resolution codec")
print(plot)

# %% [markdown]
# ## What it looks like
#
# At about 0.4 bits per pixel of the big picture, and the linear baseline at as many.

# %%
rate = 0.4
rows = []
for number in (0, len(pictures) // 2, len(pictures) - 1):
    picture = pictures[number]
    ours = full.with_strength(curves[0].strength_at(rate, number))
    result = ks.transport(model, picture[None], ours)
    pixels = picture.shape[0] * picture.shape[1]
    theirs = full.with_strength(curves[1].strength_at(result["rate"][0] / pixels, number))
    plain = ks.transport(chain, picture[None], theirs)
    rows.append(
        {
            names[number]: picture,
            "bottleneck": result["bottleneck"][0],
            f"reconstruction, {result['rate'][0] / pixels:.2f} bpp": result["prediction"][0],
            f"bicubic, Lanczos3, {plain['rate'][0] / pixels:.2f} bpp": plain["prediction"][0],
        }
    )
side_by_side = options.output / "pictures.png"
ks.evaluation.plot_pictures(rows, side_by_side)
print(side_by_side)
