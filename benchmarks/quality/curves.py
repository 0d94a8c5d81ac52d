"""What is measured with whole photographs: every preset and every baseline, with real files of every codec.

A curve is a system around a codec at some strengths. Its name is the place of its results below
`benchmarks/results/PICTURES/`, such as "jpeg-flat/alone-420".
"""

import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

import keras_sandwich as ks

METRICS = ("psnr-rgb", "psnr-luma", "ssim-rgb", "ms-ssim-rgb")
# Passes of refinement, and fewer strengths, since each takes as long as some forty without.
EFFORT = 16
REFINED: dict[str, tuple[int, ...]] = {"full": (20, 34, 58, 100), "half": (4, 8, 16, 32)}
SUBSAMPLINGS = ("4:2:0", "4:4:4", "4:2:2")

# Name → what tables call it, the codec, and strengths that span 0.2 to 1.5 bits per pixel of photographs: of files of
# their full size, and of half of it, where a bit per pixel of the photograph is four of the file's.
CODECS: dict[str, tuple[str, ks.codecs.Codec, dict[str, tuple[int, ...]]]] = {
    "jpeg-flat": (
        "JPEG {}",
        ks.codecs.JPEG(qstep=8),
        {"full": (8, 12, 17, 25, 36, 52, 75, 110, 150), "half": (2, 3, 4, 6, 9, 14, 21, 32, 48)},
    ),
    "jpeg-annex-k": (
        "JPEG {}, tables of Annex K",
        ks.codecs.JPEG(quality=75),
        {"full": (13, 21, 31, 43, 56, 68, 78, 86, 92, 96)},
    ),
    "jpegli": (
        "JPEG {}, jpegli",
        ks.codecs.Jpegli(),
        {"full": (11, 21, 31, 43, 53, 65, 77, 87, 95, 100)},
    ),
    "webp": (
        "WebP {}",
        ks.codecs.WebP(),
        {"full": (9, 14, 22, 36, 56, 76, 91, 101), "half": (1, 3, 6, 10, 18, 34, 60, 90)},
    ),
    "avif": (
        "AVIF {}",
        ks.codecs.AVIF(),
        {"full": (14, 21, 28, 36, 44, 52, 60, 68), "half": (4, 9, 15, 22, 30, 38, 48, 58)},
    ),
    "heic": (
        "HEIC {}",
        ks.codecs.HEIC(tune="psnr"),
        {"full": (44, 50, 56, 62, 67, 72, 77, 82), "half": (18, 26, 34, 42, 50, 58, 66, 72)},
    ),
}


@dataclass(frozen=True)
class System:
    """What is measured around each codec.

    Attributes:
        name: of its part of the results' files.
        label: what tables call it, before the codec; "" for the codec alone.
        make: makes it.
        size: "full", or "half" where the codec's files are half as high and wide.
        subsamplings: around which it is measured; none where the codec is given one channel.
        fingerprint: of its weights, so that results of others are known to be stale; "" where it has none.
    """

    name: str
    label: str
    make: Callable[[], Any]
    size: str = "full"
    subsamplings: tuple[str, ...] = ()
    fingerprint: str = ""


@dataclass(frozen=True)
class Curve:
    """A system around a codec at some strengths.

    Attributes:
        name: of the results' file.
        label: what tables call it.
        system: what is measured.
        codec: with which files are written.
        strengths: of the codec.
        effort: passes that refine each file.
    """

    name: str
    label: str
    system: System
    codec: Any
    strengths: tuple[float, ...]
    effort: int = 0


def scenario_of(config: dict[str, Any]) -> str:
    """What a model's configuration says that its codec carries: "grayscale", "lowres", "colour" or "other".

    Others, of normal maps and materials, restore no pictures of three channels.
    """
    before = config["config"]["preprocessor"]["config"]
    if before.get("num_truncate_bits"):  # of more than 8 bits, which photographs here do not have
        return "other"
    if config["config"]["postprocessor"]["config"].get("output_channels") != 3:
        return "other"
    kind = (before.get("output_channels"), before.get("downsample_factor", 1))
    return {(1, 1): "grayscale", (3, 2): "lowres", (3, 1): "colour"}.get(kind, "other")


def preset_scenario(name: str) -> str:
    """The same of a bundled preset, of which nothing is loaded."""
    config = ks.presets.bundled.folder(name) / ks.presets.bundled.CONFIG
    return scenario_of(json.loads(config.read_bytes()))


def systems(models: Path | None = None) -> Iterator[System]:
    """Baselines, presets, and the models of a folder."""
    yield System("alone", "", ks.evaluation.CodecAlone, subsamplings=SUBSAMPLINGS)
    yield System("alone", "", functools.partial(ks.evaluation.CodecAlone, luma_only=True))
    linear = ks.models.create_linear_baseline
    for kind, patch_size in (("multiplexed", 16), ("modulated", 2)):
        make = functools.partial(linear, patch_size=patch_size)
        yield System(f"linear-{kind}", f"linear, {kind} chroma", make)
    half = functools.partial(linear, bottleneck_channels=3, downsample_factor=2)
    yield System("linear-lowres", "bicubic and Lanczos3", half, "half", SUBSAMPLINGS)
    make = functools.partial(half, resampling="dct")
    yield System("linear-dct", "linear, DCT resampling", make, "half", SUBSAMPLINGS)
    for name in ks.presets.names():
        if preset_scenario(name) == "other":
            continue
        said = ks.presets.describe(name)
        make = functools.partial(ks.models.CompressIntraModel.from_preset, name)
        # The subsampling that it was trained for, "JPEG 4:2:0 with a flat step, …".
        around = said.get("measured", {}).get("codec", "")
        own = next((choice for choice in SUBSAMPLINGS if choice in around), "4:4:4")
        fingerprint = said["fingerprints"]["model"]
        scenario = preset_scenario(name)
        if scenario == "other":
            continue
        yield _trained(f"preset-{name}", f"preset `{name}`", make, scenario, own, fingerprint)
    for file in sorted(models.glob("*.keras")) if models else ():
        make = functools.partial(keras.saving.load_model, file, compile=False)
        model = make()
        scenario = scenario_of(keras.saving.serialize_keras_object(model))
        own = "4:2:0" if file.stem.endswith("420") else "4:4:4"
        fingerprint = ks.presets.fingerprint(model)
        yield _trained(file.stem, file.stem.replace("-", " "), make, scenario, own, fingerprint)


def _trained(
    name: str, label: str, make: Callable[[], Any], scenario: str, own: str, fingerprint: str
) -> System:
    size = "half" if scenario == "lowres" else "full"
    return System(name, label, make, size, () if scenario == "grayscale" else (own,), fingerprint)


def every_curve(models: Path | None = None) -> list[Curve]:
    """All curves, codec by codec.

    Args:
        models: a folder of trained baselines, such as `lowres-network-after.keras` of `long_training`.
    """
    measured = list(systems(models))
    curves = []
    for place, (title, codec, strengths) in CODECS.items():
        for system in measured:
            if system.label and "half" not in strengths:
                continue  # tables for the eye are for pictures, not for what a network makes of them
            for choice, chosen in _around(codec, system.subsamplings).items():
                label = ", ".join(filter(None, (system.label, title.format(choice))))
                name = f"{place}/{system.name}-{choice.replace(':', '')}"
                at = tuple(map(float, strengths[system.size]))
                curves.append(Curve(name, label, system, chosen, at))
                alone = (system.name, choice) == ("alone", "4:2:0")
                if place == "jpeg-flat" and (alone or system.name.startswith("preset-")):
                    if alone:  # so that what any encoder may gain is not taken for the networks'
                        system = replace(system, make=_without_networks)
                    at = tuple(map(float, REFINED[system.size]))
                    name, label = f"{name}-refined", f"{label}, refined"
                    curves.append(Curve(name, label, system, chosen, at, EFFORT))
    return curves


def _without_networks() -> ks.models.CompressIntraModel:
    return ks.models.CompressIntraModel(None, None, ks.layers.EncodeDecodeIntra())


def _around(codec: Any, subsamplings: tuple[str, ...]) -> dict[str, Any]:
    """The codec with each of these subsamplings, or with the one that it has; with none where it has no grayscale."""
    if not subsamplings:
        return {} if isinstance(codec, ks.codecs.Jpegli) else {"4:0:0": codec}
    has = {getattr(c, "chroma_subsampling", "4:2:0"): c for c in ks.codecs.every_subsampling(codec)}
    return {choice: has[choice] for choice in subsamplings if choice in has} or has
