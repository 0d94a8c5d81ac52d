# %% [markdown]
# # One training, four codecs
#
# The sandwiches that come with the package were trained through a proxy of JPEG. Nothing ties them to it: here they
# stand around JPEG, WebP, AVIF and HEIC as they are, without retraining, and are measured with the files of those
# codecs beside every simple alternative.
#
# Run it as a script; `--baselines` names the folder of the trained baselines, if there are any:
#
#     KERAS_BACKEND=torch python examples/other_codecs.py --test my_photographs --output runs/other_codecs
#
# The presets and the baselines were trained on one core each, with the photographs that
# `keras_sandwich/datasets/samples/LICENSES.md` names, with one γ for all steps of a range. The preset `grayscale` had
# 11,000 steps in 70 minutes. `lowres` had about 16,500 in 125 minutes, of which the last 5,000 were around steps of
# 19 to 41; those before had other settings. `lowres_420` went on from it around 4:2:0, for codecs that code nothing
# else and for low rates: 10,650 steps in 85 minutes through the proxy, 1,850 in 26 minutes with JPEG files in the
# loop. The networks alone had about as many steps as the first sandwich of their scenario, in several parts: after
# the codec 12,900 (grayscale) and 16,250 (low resolution), before the codec 16,000 and 13,500. There is no second one
# of them for low rates. Today's command tells the networks the step, and trains one model for all rates, such as
# `grayscale_all_rates`:
#
#     python -m benchmarks.quality.long_training grayscale --data TRAIN --output runs/grayscale.keras
#     python -m benchmarks.quality.long_training lowres --chroma-subsampling 4:2:0 --data TRAIN \
#         --output runs/proxy.keras
#     python -m benchmarks.quality.long_training lowres --chroma-subsampling 4:2:0 --data TRAIN --files \
#         --start runs/proxy.keras --output runs/lowres_420.keras
#     for scenario in grayscale lowres; do
#         python -m benchmarks.quality.long_training $scenario --part postprocessor --data TRAIN \
#             --output BASELINES/$scenario/network_after_the_codec_alone.keras
#         python -m benchmarks.quality.long_training $scenario --part preprocessor --data TRAIN \
#             --output BASELINES/$scenario/network_before_the_codec_alone.keras
#     done

# %%
import argparse
import dataclasses
from pathlib import Path

import keras

import keras_sandwich as ks
from keras_sandwich.evaluation import CodecAlone, rd_curve

arguments = argparse.ArgumentParser(description="The bundled sandwiches around four codecs.")
arguments.add_argument("--test", type=Path, help="folder of photographs to measure with")
arguments.add_argument("--baselines", type=Path, help="folder of grayscale/*.keras, lowres/*.keras")
arguments.add_argument("--codecs", nargs="+", default=["JPEG", "WebP", "AVIF", "HEIC"])
arguments.add_argument("--output", type=Path, default=Path("runs/other_codecs"))
options = arguments.parse_args()
options.output.mkdir(parents=True, exist_ok=True)

if options.test:
    photographs = ks.datasets.load_images(options.test)
    names, pictures = list(photographs), list(photographs.values())
else:
    names, pictures = ks.datasets.sample_names("test"), list(ks.datasets.sample_images("test"))
print(f"Keras {keras.__version__} on {keras.backend.backend()}, {len(pictures)} photographs")

# %% [markdown]
# ## Models, codecs, strengths
#
# A scenario's presets, each around the chroma subsampling that it was trained for, swept over each codec's own
# quantizer.

# %%
SCENARIOS = {
    "grayscale": {
        "title": "Colour over a grayscale codec",
        "presets": {"grayscale": None},
        "rates": (0.5, 0.75, 1.0),  # of the tables
        "shown": (0.3, 2.5),  # in the plots
    },
    "lowres": {
        "title": "High over low resolution",
        "presets": {"lowres": "4:4:4", "lowres_420": "4:2:0"},
        "rates": (0.3, 0.4, 0.5),
        "shown": (0.12, 1.0),
    },
}
CODECS = {
    "JPEG": (ks.codecs.JPEG(qstep=1), (4, 6, 8, 10, 13, 16, 20, 26, 32, 40, 50, 64, 80, 100)),
    "WebP": (ks.codecs.WebP(), (2, 4, 7, 11, 16, 22, 30, 42, 56, 66, 74, 80, 84, 88, 92, 96, 99)),
    "AVIF": (ks.codecs.AVIF(), (7, 11, 16, 21, 26, 31, 36, 41, 46, 51, 56, 61, 66, 76)),
    "HEIC": (ks.codecs.HEIC(tune="psnr"), (13, 19, 25, 31, 37, 43, 49, 55, 61, 67, 73, 79, 85, 91)),
}


def subsampled(codec, chroma_subsampling):
    """The codec with a chroma subsampling, if it has a choice."""
    if chroma_subsampling is None or not hasattr(codec, "chroma_subsampling"):
        return codec
    return dataclasses.replace(codec, chroma_subsampling=chroma_subsampling)


def presets(scenario):
    """Preset → (model, its chroma subsampling)."""
    load = ks.models.CompressIntraModel.from_preset
    return {name: (load(name), chroma) for name, chroma in SCENARIOS[scenario]["presets"].items()}


def baselines(scenario):
    """Label → model: the baselines that were trained."""
    files = sorted((options.baselines / scenario).glob("*.keras")) if options.baselines else []
    return {file.stem.replace("_", " "): keras.saving.load_model(file) for file in files}


# %% [markdown]
# ## Curves
#
# The baselines: the chain of linear filters without networks (for grayscale both: modulated chroma, and chroma
# multiplexed into coefficients of the luma's blocks, which the preset starts from), the codec of the whole colour
# picture, and, where they were trained, one network alone, all at the best of the codec's chroma subsamplings; and
# luma only. The sandwich's curve is the upper envelope of those of the scenario's presets.

# %%
results = {}
for scenario in SCENARIOS:
    ours, others = presets(scenario), baselines(scenario)
    for label in options.codecs:
        codec, strengths = CODECS[label]
        measured = {"images": pictures, "strengths": strengths, "picture_names": names}
        own = [
            rd_curve(model, codec=subsampled(codec, chroma), name=f"preset {name}", **measured)
            for name, (model, chroma) in ours.items()
        ]
        curves = [
            ks.evaluation.upper_envelope(own, name="sandwich"),
            *(own if len(own) > 1 else []),
            *(
                ks.evaluation.best_subsampling(model, codec=codec, name=name, **measured)
                for name, model in others.items()
            ),
            *ks.evaluation.untrained_baselines(ours[scenario][0], codec=codec, **measured),
        ]
        results[scenario, label] = curves
        for number, curve in enumerate(curves):
            file = options.output / f"{scenario}_{label}_{number}.json"
            ks.evaluation.save_results(curve, file)

# %% [markdown]
# ## Numbers
#
# PSNR at some rates, in brackets the sandwich's gain; in the last column BD-PSNR, the mean gain over all the rates that
# both curves reach, with 95 % intervals over the photographs.


# %%
def table(scenario):
    text = ""
    for label in options.codecs:
        curves = results[scenario, label]
        header, first, *rows = ks.evaluation.rd_table(
            curves, SCENARIOS[scenario]["rates"]
        ).splitlines()
        width = max(map(len, (header, first, *rows)))
        text += (
            f"{label}: {SCENARIOS[scenario]['title']}\n{header.ljust(width)}   BD-PSNR\n{first}\n"
        )
        for row, baseline in zip(rows, curves[1:], strict=True):
            low, high = ks.evaluation.confidence_interval(
                lambda other, ours: ks.evaluation.bd_psnr(other, ours), [baseline, curves[0]]
            )
            delta = ks.evaluation.bd_psnr(baseline, curves[0])
            text += f"{row.ljust(width)}  {delta:+.2f} ({low:+.2f} to {high:+.2f})\n"
    (options.output / f"{scenario}.txt").write_text(text, encoding="utf-8")
    return text


print(table("grayscale"))

# %%
print(table("lowres"))

# %% [markdown]
# The libraries:

# %%
for label in options.codecs:
    print(f"{CODECS[label][0].name}: {CODECS[label][0].version}")

# %%
for (scenario, label), curves in results.items():
    plot = options.output / f"{scenario}_{label}.png"
    title = f"{SCENARIOS[scenario]['title']}, {label}"
    ks.evaluation.plot_rd(curves, plot, title=title, rates=SCENARIOS[scenario]["shown"])
    print(plot)

# %% [markdown]
# ## What it says
#
# Nothing of JPEG's in particular is needed, not even its blocks: the linear baseline with multiplexed chroma is
# better than modulated chroma around all four codecs, the sandwich that was trained from it another 0.5 to 0.8 dB
# better around each; of that the network after the codec has the larger part, since alone, trained as long, it is
# 0.2 to 0.4 dB behind. The low-resolution sandwich is 0.9 to 1.5 dB better than bicubic and Lanczos3, and 0.4 to
# 0.7 dB better than a network after the codec alone. Which of its two presets to take is the codec's choice: around
# WebP, which halves the chroma whatever it is given, `lowres_420` is the better one at every rate, around the
# others at the lowest ones. A colour codec remains better at colour than a grayscale one, around JPEG by 0.3 to 0.7
# dB, and a modern codec of the whole picture better than one of a small picture: a sandwich is for where the codec
# or its resolution is given.

# %% [markdown]
# ## A report
#
# One file with the curves, the tables and pictures to compare at equal bits; each baseline has the best of JPEG's
# subsamplings there, too.

# %%
for scenario, rate in (("grayscale", 0.75), ("lowres", 0.4)):
    shown = {"sandwich": ks.models.CompressIntraModel.from_preset(scenario)}
    if scenario == "grayscale":
        shown["linear baseline, modulated chroma"] = ks.models.create_linear_baseline(1)
        shown["linear baseline, multiplexed chroma"] = ks.models.create_linear_baseline(
            1, patch_size=16
        )
        shown["luma only"] = CodecAlone(luma_only=True)
    else:
        shown["bicubic, Lanczos3, no networks"] = ks.models.create_linear_baseline(3, 3, 2)
        shown["codec alone"] = CodecAlone()
    codec = CODECS["JPEG"][0]
    best = dict.fromkeys(shown, ks.codecs.every_subsampling(codec)) | {"sandwich": codec}
    comparisons = [
        ks.evaluation.compare_at(shown, pictures[k], best, rate, name=names[k])
        for k in (0, len(pictures) // 2, len(pictures) - 1)
    ]
    report = options.output / f"{scenario}.html"
    ks.evaluation.write_report(
        report, results[scenario, "JPEG"], comparisons, title=SCENARIOS[scenario]["title"]
    )
    print(report)
