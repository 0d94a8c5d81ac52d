"""`evaluate`: a sandwich against its linear baseline and the codec alone."""

import argparse
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_sandwich import codecs
from keras_sandwich._arguments import require_option
from keras_sandwich._whole_files import write_whole
from keras_sandwich.evaluation import (
    CodecAlone,
    RDCurve,
    compare_at,
    plot_rd,
    rd_curve,
    rd_table,
    save_results,
    untrained_baselines,
    write_report,
)
from keras_sandwich.evaluation.baselines import untrained_systems
from keras_sandwich.evaluation.plots import matplotlib_figure
from keras_sandwich.evaluation.quality import MEASURES
from keras_sandwich.files import read_info
from keras_sandwich.files.encoding import default_codec
from keras_sandwich.files.networks import Network, load_network
from keras_sandwich.pictures import find_pictures, read_picture

STEPS = (4, 6, 8, 10, 13, 16, 20, 26, 32, 40, 50, 64)
MORE_STEPS = (*STEPS, 80, 100, 128)  # for the big picture, which the codec alone must code
SHOWN = 3  # pictures that the report compares


def run(options: argparse.Namespace) -> int:
    """The command `evaluate`."""
    matplotlib_figure()  # whose absence should be said before the measuring
    network = load_network(options.model)
    codec = default_codec(f".{options.format}", network)
    for metric in options.metrics:
        require_option(metric, tuple(MEASURES), "--metrics")
    strengths = options.strengths or _strengths(codec)
    names, pictures = _read(options.pictures, network)
    options.target.mkdir(parents=True, exist_ok=True)
    measured: dict[str, Any] = {
        "metrics": options.metrics,
        "picture_names": names,
        "tile_size": options.tile_size,
    }
    curves = [
        rd_curve(network.model, pictures, codec, strengths, name="sandwich", **measured),
        *untrained_baselines(
            network.model,
            pictures,
            codec,
            strengths,
            options.strengths or _strengths(codec, whole_picture=True),
            **measured,
        ),
    ]
    table = "\n\n".join(rd_table(curves, options.rates, metric) for metric in options.metrics)
    print(table)
    _write(options, curves, table)
    shown = {"sandwich": network.model, **untrained_systems(network.model, codec)}
    shown.pop(CodecAlone(luma_only=True).name, None)  # no colours to compare
    best = dict.fromkeys(shown, codecs.every_subsampling(codec)) | {"sandwich": codec}
    write_report(
        options.target / "report.html",
        curves,
        [
            compare_at(
                shown,
                pictures[number],
                best,
                rate,
                names[number],
                options.tile_size,
                options.metrics,
            )
            for number in _spread(len(pictures))
            for rate in [_middle_rate(curves[0], number)]
        ],
        title=f"{options.model} over {curves[0].codec}",
        rates=options.rates,
    )
    print(f"Tables, curves and a report are in {options.target}.")
    return 0


def _read(folder: Path, network: Network) -> tuple[list[str], list[np.ndarray]]:
    files = find_pictures(folder)
    pictures = [
        read_picture(file, network.channels, network.num_truncate_bits).pixels for file in files
    ]
    names = [file.relative_to(folder).as_posix() for file in files]
    _warn_of_coded(names, files)
    return names, pictures


def _warn_of_coded(names: list[str], files: list[Path]) -> None:
    """A warning for files of `encode`: what they show is no photograph, and would be measured as one."""
    coded = [name for name, file in zip(names, files, strict=True) if _is_coded(file)]
    if coded:
        warnings.warn(
            f"{len(coded)} of the {len(files)} pictures are files that `encode` wrote, and are measured as "
            f"they show: {', '.join(coded[:SHOWN])}{', …' if len(coded) > SHOWN else ''}. "
            "Give the pictures that they were made of.",
            stacklevel=2,
        )


def _is_coded(file: Path) -> bool:
    try:
        read_info(file)
    except ValueError:
        return False
    return True


def _strengths(codec: codecs.Codec, whole_picture: bool = False) -> Sequence[float]:
    """About a dozen; more of them where the codec codes the whole picture, which takes more bits."""
    if isinstance(codec, codecs.JPEG):
        return MORE_STEPS if whole_picture else STEPS
    strengths = codec.strengths
    if not strengths:
        raise ValueError(
            f"Rates and qualities need a codec whose strength can be set. Received --format of {codec.name}; "
            "choose a lossy one, such as jpg."
        )
    places = np.linspace(0.1, 1.0 if whole_picture else 0.9, 12) * (len(strengths) - 1)
    return [strengths[round(place)] for place in places]


def _write(options: argparse.Namespace, curves: Sequence[RDCurve], table: str) -> None:
    write_whole(options.target / "table.txt", table + "\n")
    for curve in curves:
        name = re.sub("[^a-z0-9]+", "_", curve.name).strip("_")
        save_results(curve, options.target / f"{name}.json")
    for metric in options.metrics:
        plot_rd(curves, options.target / f"{metric}.png", options.model, metric)


def _spread(number: int) -> list[int]:
    return sorted({round(place) for place in np.linspace(0, number - 1, SHOWN)})


def _middle_rate(curve: RDCurve, picture: int) -> float:
    """A rate that both reach: that of the middle strength."""
    return float(np.median(curve.bpp[:, picture]))
