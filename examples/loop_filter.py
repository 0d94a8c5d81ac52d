# %% [markdown]
# # A loop filter: nearer to the real codec
#
# A sandwich is trained through a proxy and used with a real codec, so what the proxy decodes should look like what the
# codec decodes. Under 4:2:0 the proxy is about 40 to 45 dB from libjpeg: it works in floating point, and it reduces and
# enlarges chroma with other filters. From a codec that is not JPEG it is much farther. A *loop filter* is a small
# network behind the proxy that is trained beforehand, on pairs of what the proxy and what the codec decoded; in a
# sandwich it is frozen. Here are two of them: for JPEG 4:2:0, and for WebP.
#
# Run it as a script (500 steps for each filter are the default; killed and started again it goes on):
#
#     KERAS_BACKEND=torch python examples/loop_filter.py --steps 500 --data my_photographs --output runs/loop

# %%
import argparse
import io
from pathlib import Path

import keras
import numpy as np
from keras import ops
from PIL import Image

import keras_sandwich as ks

arguments = argparse.ArgumentParser(description="A loop filter behind the proxy.")
arguments.add_argument("--steps", type=int, default=500, help="how many steps to train each filter")
arguments.add_argument("--minutes", type=float, help="how long to train both, instead of steps")
arguments.add_argument("--data", type=Path, help="folder of photographs to train on")
arguments.add_argument("--test", type=Path, help="folder of photographs to measure with")
arguments.add_argument("--output", type=Path, default=Path("runs/loop_filter"))
options = arguments.parse_args()
options.output.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(0)

crops = ks.datasets.image_folder(
    options.data or ks.datasets.sample_images("train"),
    crop_size=64,
    reduction=2 if options.data else 1,
    batch_size=16,
    steps_per_epoch=25,
)
if options.test:
    photographs = ks.datasets.load_images(options.test)
    names, pictures = list(photographs), list(photographs.values())
else:
    names, pictures = ks.datasets.sample_names("test"), list(ks.datasets.sample_images("test"))
print(f"training on {len(crops.names)} photographs, measuring with {len(pictures)} others")
print(f"Keras {keras.__version__} on {keras.backend.backend()}")

# %% [markdown]
# ## The two codecs
#
# Both are Pillow's. JPEG takes the proxy's quantizer step as it is. WebP has a quality instead; each step gets the
# quality at which WebP loses as much as the proxy does (on the bundled training photographs their PSNRs to the original
# agree to about 0.2 dB), interpolated between those of the list. Nothing else about WebP is told to the proxy.
# WebP predicts blocks from their neighbours, transforms 4×4 pixels and smooths the edges of blocks; what of that can be
# made up for is left to the filter.

# %%
QSTEPS = (8, 12, 16, 24, 32)
WEBP_QUALITIES = (88, 82, 76, 49, 31)


def jpeg(picture, qstep):
    """What libjpeg decodes: uint8 [height, width, 3]."""
    codec = ks.codecs.JPEG(qstep=int(qstep), chroma_subsampling="4:2:0")
    return codec.decode(codec.encode(picture))


def webp(picture, qstep):
    """What libwebp decodes, at the quality that goes with the proxy's step."""
    quality = round(float(np.interp(qstep, QSTEPS, WEBP_QUALITIES)))
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "WEBP", quality=quality)
    with Image.open(file) as decoded:
        return np.asarray(decoded.convert("RGB"))


proxy = ks.layers.JpegProxy(convert_to_yuv=True, chroma_subsampling="4:2:0")


def pairs_of(codec, pictures, qsteps):
    """What the proxy and the codec decode of uint8 [batch, height, width, 3]: the filter's input and target."""
    decoded, _ = proxy(pictures.astype("float32"), qstep=np.asarray(qsteps, "float32"))
    real = [codec(picture, qstep) for picture, qstep in zip(pictures, qsteps, strict=True)]
    return ops.convert_to_numpy(decoded), np.stack(real).astype("float32")


# %% [markdown]
# ## Training
#
# A sandwich trains its quantizer step, so one filter should do for a range of them: a step is drawn for each crop. Like
# the crops, the steps are a function of (seed, epoch, index), and a training that is killed and resumed sees what it
# would have seen. The squared error at large steps is several times that at small ones; each crop is weighed by
# 1/qstep, so that the small ones count. The filter sees three channels together, since an error of chroma shows in all
# of them.


# %%
class Pairs(keras.utils.PyDataset):
    """Batches of crops, as the proxy and as the codec decode them."""

    epoch = 0

    def __init__(self, codec):
        super().__init__()
        self.codec = codec

    def __len__(self):
        return len(crops)

    def __getitem__(self, index):
        batch = np.round(crops.batch(index, self.epoch)).astype("uint8")
        draw = np.random.default_rng([0, self.epoch, index])
        qsteps = draw.integers(min(QSTEPS), max(QSTEPS), size=len(batch), endpoint=True)
        decoded, real = pairs_of(self.codec, batch, qsteps)
        return decoded, real, (16.0 / qsteps).astype("float32")[:, None, None]


def trained_filter(codec, folder):
    """A loop filter for this codec; the one in the folder if it is there already."""
    saved = folder / "loop_filter.keras"
    if saved.exists():
        print(f"{saved} is there already: measuring it. Delete it to train anew.")
        return keras.saving.load_model(saved)
    folder.mkdir(parents=True, exist_ok=True)
    loop_filter = ks.models.create_loop_filter_model(channels=3)
    loop_filter.build((None, None, None, 3))
    loop_filter.compile(keras.optimizers.Adam(), loss="mse")
    dataset = Pairs(codec)
    loop_filter.fit(
        dataset,
        epochs=-(-options.steps // len(dataset)) if options.minutes is None else 100_000,
        shuffle=False,
        callbacks=[
            ks.callbacks.SynchronizeEpoch(dataset),
            ks.callbacks.TrainingBudget(
                4e-3,
                minutes=options.minutes and options.minutes / 2,
                state_file=folder / "budget.json",
            ),
            keras.callbacks.BackupAndRestore(folder / "backup"),
        ],
        verbose=1,
    )
    loop_filter.save(saved)
    return loop_filter


jpeg_filter = trained_filter(jpeg, options.output / "jpeg")
print(f"{jpeg_filter.count_params():,} parameters")

# %%
webp_filter = trained_filter(webp, options.output / "webp")

# %% [markdown]
# ## How much nearer?
#
# PSNR between what the proxy and what the codec decoded, the mean over the held-out photographs: without a filter, with
# the plain linear 3×3 filter that fits the training pairs best (least squares, all three channels), and with the loop
# filter; in brackets its gain.
#
# The three columns on the right are PSNR to the *original*: of what the codec decoded, and of what the proxy decoded
# without and with the filter.


# %%
def psnr(a, b):
    return 10 * np.log10(255**2 / max(np.mean((np.asarray(a, "float64") - b) ** 2), 1e-6))


def neighbourhoods(images):
    """The 3×3 pixels around each pixel, all channels, and a constant."""
    _, height, width, _ = images.shape
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    shifts = [padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return np.concatenate([*shifts, np.ones_like(images[..., :1])], axis=-1).astype("float64")


def fit_linear_filter(codec):
    """The 3×3 filter that brings the proxy nearest to the codec, on an epoch of training pairs."""
    products, targets = 0.0, 0.0
    dataset = Pairs(codec)
    for index in range(len(dataset)):
        decoded, real, _ = dataset[index]
        inputs = neighbourhoods(decoded).reshape(-1, 28)
        products = products + inputs.T @ inputs
        targets = targets + inputs.T @ (real - decoded).reshape(-1, 3)
    weights = np.linalg.lstsq(products, targets, rcond=None)[0]
    return lambda images: images + neighbourhoods(images) @ weights


codecs = {"JPEG 4:2:0": (jpeg, jpeg_filter), "WebP": (webp, webp_filter)}
lines = [
    "                    to what the codec decodes             to the original",
    "codec       qstep   proxy  linear  filter           codec   proxy  filter",
]
for name, (codec, loop_filter) in codecs.items():
    linear_filter = fit_linear_filter(codec)
    for qstep in QSTEPS:
        rows = []
        for picture in pictures:
            decoded, real = pairs_of(codec, picture[None], [qstep])
            filtered = ops.convert_to_numpy(loop_filter(decoded))
            to_codec = [psnr(x, real) for x in (decoded, linear_filter(decoded), filtered)]
            rows.append(to_codec + [psnr(x, picture) for x in (real, decoded, filtered)])
        proxy_alone, linear, ours, *to_original = np.mean(rows, axis=0)
        lines.append(
            f"{name:10} {qstep:6d} {proxy_alone:7.2f} {linear:7.2f} {ours:7.2f} "
            f"({ours - proxy_alone:+.2f}) " + "".join(f"{value:8.2f}" for value in to_original)
        )
table = "\n".join(lines)
print(table)
(options.output / "table.txt").write_text(table + "\n", encoding="utf-8")

# %% [markdown]
# **JPEG** comes about 0.3 dB nearer, and the linear filter does as much. Most of the rest is out of reach: libjpeg
# reduces chroma by another filter and rounds to integers on the way, so it quantizes to other coefficients, and no
# filter behind the quantizer can know them. What it can make up for is mostly the other enlargement. For JPEG there is
# no need of a filter either: with `arithmetic="libjpeg"` the proxy decodes what libjpeg decodes, to the pixel.
#
# **WebP** comes 0.2 to 1.3 dB nearer, 0.4 to 0.7 dB more than with the linear filter. What remains is mostly the
# quantization error of two different codecs. To keep the squared error small, the filter gives the mean of what WebP
# may decode, not one such picture. The columns on the right show what follows: at steps 16 to 32 the filtered picture
# is 0.3 to 0.8 dB nearer to the original than WebP's is, and at step 8 0.7 dB farther, where the proxy alone is as near
# as WebP within 0.2 dB. So the distortion that a sandwich shows in training with this filter is not that of real files:
# measure with files.

# %% [markdown]
# ## What it looks like
#
# A part of one photograph, four times enlarged: what the codec decoded, what the proxy decoded without and with the
# filter, and four times their differences from the codec, about gray. In flat parts the filter for WebP takes away the
# block edges that WebP does not have; in texture, and with JPEG, most of the difference stays.

# %%
QSTEP, TOP, LEFT, SIDE = 24, 80, 80, 64
rows = []
for name, (codec, loop_filter) in codecs.items():
    decoded, real = pairs_of(codec, pictures[1][None], [QSTEP])
    views = {
        f"{name} decodes": real,
        "proxy": decoded,
        "filtered": ops.convert_to_numpy(loop_filter(decoded)),
    }
    for caption in ("proxy", "filtered"):
        views[f"{caption} − {name}, ×4"] = 128 + 4 * (views[caption] - real)
    rows.append({k: v[0, TOP : TOP + SIDE, LEFT : LEFT + SIDE] for k, v in views.items()})
side_by_side = options.output / "pictures.png"
ks.evaluation.plot_pictures(rows, side_by_side)
print(side_by_side)

# %% [markdown]
# ## In a sandwich
#
# The saved filter is loaded and handed to a sandwich, which freezes it. The gradient passes through it to the network
# before the codec; its own weights are not among those that are trained, and stay what they are.

# %%
loaded = keras.saving.load_model(options.output / "jpeg" / "loop_filter.keras")
model = ks.models.create_basic_model(
    bottleneck_channels=3,
    gamma=225.0,
    encoder_filters=(16, 32),
    decoder_filters=(32, 16, 16),
    unet_patch_size=2,
    convert_to_yuv=True,
    chroma_subsampling="4:2:0",
    train_qstep=False,
    loop_filter=loaded,
)
model.build((None, None, None, 3))
model.compile(keras.optimizers.Adam(1e-4), loss="mse")


def count(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


print(f"parameters: {model.count_params():,}, {count(model.trainable_weights):,} of them trained")
print(
    f"of the filter: {count(loaded.weights):,}, {count(loaded.trainable_weights)} of them trained"
)

before = {layer: layer.get_weights() for layer in (loaded, model.preprocessor)}
model.fit(crops, epochs=1)
for layer, old in before.items():
    change = max(np.abs(a - b).max() for a, b in zip(old, layer.get_weights(), strict=True))
    print(f"largest change in {layer.name}: {change:.2g}")

# %% [markdown]
# In `model(…)` the filter stands behind the proxy; in `transport(…)` the codec is real and needs none. The sandwich's
# own bottlenecks are not what the filter was trained on, so once more: is it nearer to what a real file decodes to?

# %%
qstep = int(model.codec_proxy.effective_qstep())
codec = ks.codecs.JPEG(qstep=qstep, chroma_subsampling="4:2:0")
rows = []
for picture in pictures:
    decoded = model(picture[None])["compressed_bottleneck"]
    real = ks.transport(model, picture[None], codec)["compressed_bottleneck"]
    rows.append([psnr(ops.convert_to_numpy(x), real) for x in (decoded, loaded(decoded))])
without, filtered = np.mean(rows, axis=0)
print(f"qstep {qstep}: {without:.2f} dB without the filter, {filtered:.2f} dB with it")
