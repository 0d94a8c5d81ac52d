# %% [markdown]
# # One training, four codecs
#
# The sandwiches that come with the package were trained through a proxy of JPEG. Nothing ties them to it: here they
# stand around JPEG, WebP, AVIF and HEIC as they are, without retraining, and are measured with the files of those
# codecs beside every simple alternative.
#
# Run it as a script:
#
#     KERAS_BACKEND=torch python examples/other_codecs.py --test my_photographs --output runs/other_codecs
#
# [Presets](../presets.md) says what each was trained for, and its metadata with which command.

# %%
import argparse
import dataclasses
from pathlib import Path

import keras

import keras_sandwich as ks
from keras_sandwich.evaluation import CodecAlone, rd_curve

arguments = argparse.ArgumentParser(description="The bundled sandwiches around four codecs.")
arguments.add_argument("--test", type=Path, help="folder of photographs to measure with")
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
# Each preset is swept over each codec's own quantizer; its networks are told the JPEG step that amounts to it
# (`ks.inference.equivalent_qstep`).

# %%
SCENARIOS = {
    "grayscale": {
        "title": "Colour over a grayscale codec",
        "preset": ("grayscale", None),  # and its chroma subsampling
        "rates": (0.5, 0.75, 1.0),  # of the tables
        "shown": (0.3, 2.5),  # in the plots
    },
    "lowres": {
        "title": "High over low resolution",
        "preset": ("lowres_420", "4:2:0"),
        "rates": (0.2, 0.3, 0.5),
        "shown": (0.12, 1.0),
    },
    "color": {
        "title": "Colour over a colour codec",
        "preset": ("color_420", "4:2:0"),
        "rates": (0.3, 0.5, 1.0),
        "shown": (0.2, 2.5),
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


# %% [markdown]
# ## Curves
#
# The baselines: the linear filters without networks (of each kind that there is for the scenario), the codec of the
# whole colour picture, both at the best of the codec's chroma subsamplings; and luma only.

# %%
results = {}
for scenario, about in SCENARIOS.items():
    preset, chroma = about["preset"]
    model = ks.models.CompressIntraModel.from_preset(preset)
    for label in options.codecs:
        codec, strengths = CODECS[label]
        measured = {"images": pictures, "strengths": strengths, "picture_names": names}
        curves = [
            rd_curve(model, codec=subsampled(codec, chroma), name=f"preset {preset}", **measured),
            *ks.evaluation.untrained_baselines(model, codec=codec, **measured),
        ]
        if scenario == "color":  # where the linear baseline is the codec itself
            curves = [curve for curve in curves if curve.name != "linear baseline"]
        results[scenario, label] = curves
        for number, curve in enumerate(curves):
            file = options.output / f"{scenario}_{label}_{number}.json"
            ks.evaluation.save_results(curve, file)

# %% [markdown]
# ## Numbers
#
# PSNR at some rates, in brackets the preset's gain; in the last column BD-PSNR, the mean gain over all the rates that
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

# %%
print(table("color"))

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
# Nothing of JPEG's in particular is needed, not even its blocks. Over a grayscale codec the preset is 0.9 to 1.3 dB
# better than multiplexed chroma around all four codecs, and 2 to 4 dB better than modulated chroma. Around JPEG it is
# 0.1 to 0.4 dB behind the same codec in colour, around the others 2.4 to 3.3. The low-resolution preset is better
# than the better of its linear baselines by 1.4 dB around JPEG, 1.2 around WebP, 0.8 around AVIF and 0.5 around HEIC;
# it is better than the codec of the full picture around JPEG, and around WebP up to half a bit per pixel, but not
# around the other two. At its own size, trained around JPEG 4:2:0, it gains 0.9 to 1.3 dB around JPEG and 0.2 to 0.5
# around WebP. Around AVIF and HEIC there is nothing to gain: their prediction, transforms and filters mend what its
# networks learned to mend. A sandwich is for where the codec or its resolution is given.

# %% [markdown]
# ## A report
#
# One file with the curves, the tables and pictures to compare at equal bits; each baseline has the best of JPEG's
# subsamplings there, too.

# %%
linear = ks.models.create_linear_baseline
shown = {
    "grayscale": {
        "linear baseline": linear(1, patch_size=16),
        "codec alone, in colour": CodecAlone(),
        "luma only": CodecAlone(luma_only=True),
    },
    "lowres": {
        "linear baseline": linear(3, downsample_factor=2, resampling="dct"),
        "codec alone": CodecAlone(),
    },
    "color": {"codec alone": CodecAlone()},
}
for scenario, rate in (("grayscale", 0.75), ("lowres", 0.3), ("color", 0.5)):
    preset, chroma = SCENARIOS[scenario]["preset"]
    sandwich = ks.models.CompressIntraModel.from_preset(preset)
    codec = CODECS["JPEG"][0]
    best = dict.fromkeys(shown[scenario], ks.codecs.every_subsampling(codec))
    comparisons = [
        ks.evaluation.compare_at(
            {"sandwich": sandwich, **shown[scenario]},
            pictures[k],
            {"sandwich": subsampled(codec, chroma), **best},
            rate,
            name=names[k],
        )
        for k in (0, len(pictures) // 2, len(pictures) - 1)
    ]
    report = options.output / f"{scenario}.html"
    ks.evaluation.write_report(
        report, results[scenario, "JPEG"], comparisons, title=SCENARIOS[scenario]["title"]
    )
    print(report)
