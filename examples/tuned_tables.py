# %% [markdown]
# # Quantization tables, trained
#
# JPEG lets each file bring its own quantization tables, and every decoder reads them. Those that encoders use by
# default, from Annex K of the standard, come from viewing experiments of the 1980s. With a differentiable JPEG the 128
# steps are weights like any others: here they are trained for squared error at a given price of bits, on photographs,
# with libjpeg's own arithmetic in the forward pass, and then written into real files.
#
#     KERAS_BACKEND=torch python examples/tuned_tables.py --steps 400 --data my_photographs --test other_photographs

# %%
import argparse
from pathlib import Path

import keras
import numpy as np
from keras import ops

import keras_sandwich as ks

arguments = argparse.ArgumentParser(description="Quantization tables trained for photographs.")
arguments.add_argument("--steps", type=int, default=400, help="how many steps to train")
arguments.add_argument("--minutes", type=float, help="how long to train, instead of steps")
arguments.add_argument("--data", type=Path, help="folder of photographs to train on")
arguments.add_argument("--test", type=Path, help="folder of photographs to measure with")
arguments.add_argument("--output", type=Path, default=Path("runs/tuned_tables"))
options = arguments.parse_args()
options.output.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(0)

crops = ks.datasets.image_folder(
    options.data or ks.datasets.sample_images("train"),
    crop_size=128,
    reduction=2 if options.data else 1,
    batch_size=8,
    steps_per_epoch=25,
)
if options.test:
    photographs = list(ks.datasets.load_images(options.test).values())
else:
    photographs = list(ks.datasets.sample_images("test"))
print(f"training on {len(crops.names)} photographs, measuring with {len(photographs)} others")

# %% [markdown]
# ## The model
#
# It has no network, only the codec with 128 trained steps. They start at Annex K for quality 50, and are kept positive
# by their logarithms. The loss is the squared error plus λ times the bits; λ is the slope of a rate-distortion curve,
# so it says at which rate the tables are to be good: this one at one to two bits per pixel. Rounding's gradient is the
# identity, so that a step learns from what it costs and from what it spoils.

# %%
LAMBDA = 60.0  # squared error per bit

inputs = keras.Input((None, None, 3), name="photograph")
luma, chroma = ops.convert_to_numpy(ks.ops.quality_to_tables(50))
codec = ks.layers.EncodeDecodeIntra(
    train_qstep=False,
    min_qstep=0.0,  # the effective step is 1: the tables alone
    rate_model=ks.layers.JpegRate(
        gradient="unrounded", interleaved=True, chroma_subsampling="4:2:0"
    ),
    luma_table=luma,
    chroma_table=chroma,
    train_tables=True,
    convert_to_yuv=True,
    chroma_subsampling="4:2:0",
    arithmetic="libjpeg",
    name="codec",
)
decoded, bits = codec(inputs)
model = keras.Model(inputs, {"picture": decoded, "bits": bits})


def bits_per_sample(target, bits):
    return ops.mean(bits) / (128 * 128 * 3)


model.compile(
    keras.optimizers.Adam(),
    loss={"picture": "mse", "bits": bits_per_sample},
    loss_weights={"picture": 1.0, "bits": LAMBDA},
)
print(f"{sum(np.prod(w.shape) for w in model.trainable_weights)} trained numbers")


# %%
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
                3e-2, minutes=options.minutes, state_file=options.output / "budget.json"
            ),
            keras.callbacks.BackupAndRestore(options.output / "backup"),
        ],
        verbose=2,
    )
    model.save(trained)

# %% [markdown]
# ## The tables
#
# As they go into a file: whole numbers, the low frequencies at top left.

# %%
tables = codec.proxy.tables()
for name, table in zip(("luma", "chroma"), tables, strict=True):
    print(name)
    print("\n".join(" ".join(f"{step:3d}" for step in row) for row in table))

# %% [markdown]
# ## Real files
#
# The tuned tables, times several factors for a whole range of rates, in JPEG files with optimised Huffman tables, all
# bytes counted. Beside them Annex K at several qualities, and the simplest alternative: one step for all frequencies,
# which is what squared error asks for at high rates.


# %%
class Tables:
    """JPEG with these tables times a strength: what `rd_curve` sweeps."""

    def __init__(self, tables, strength=1.0):
        self.tables, self.strength = np.asarray(tables, "float64"), strength
        scaled = np.clip(np.round(self.tables * strength), 1, 255)
        self.codec = ks.codecs.JPEG(tables=scaled, chroma_subsampling="4:2:0")
        self.name, self.version = "JPEG 4:2:0, own tables", self.codec.version

    def with_strength(self, strength):
        return Tables(self.tables, strength)

    def encode(self, image):
        return self.codec.encode(image)

    def decode(self, data):
        return self.codec.decode(data)


factors = (0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1.0, 1.2, 1.5, 1.9, 2.4, 3.0)
quality = ks.codecs.JPEG(quality=50, chroma_subsampling="4:2:0")
flat = ks.codecs.JPEG(qstep=16, chroma_subsampling="4:2:0")
alone = ks.evaluation.CodecAlone()
curves = [
    ks.evaluation.rd_curve(
        alone, photographs, Tables(tables), factors, name="trained tables", verbose=0
    ),
    ks.evaluation.rd_curve(
        alone,
        photographs,
        quality,
        [101 - q for q in (95, 92, 88, 84, 80, 75, 70, 60, 50, 40, 30, 20)],
        name="Annex K",
        verbose=0,
    ),
    ks.evaluation.rd_curve(
        alone,
        photographs,
        flat,
        (4, 5, 6, 8, 10, 13, 16, 20, 26, 32, 40),
        name="flat",
        verbose=0,
    ),
]
table = ks.evaluation.rd_table(curves, rates=(0.75, 1.0, 1.5))
print(table)
(options.output / "table.txt").write_text(table + "\n", encoding="utf-8")

# %% [markdown]
# In brackets stands the gain of the trained tables. What they gain over Annex K the flat table gains too: for squared
# error one step for all frequencies is nearly the best there is, and the training finds that out by itself. With
# another loss the same lines lead to other tables.

# %%
plot = options.output / "rate_distortion.png"
ks.evaluation.plot_rd(curves, plot, title="JPEG 4:2:0 with three kinds of tables")
print(plot)
