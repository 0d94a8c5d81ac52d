"""Every preset and every baseline with whole photographs and real files, picture by picture.

export KERAS_BACKEND=torch
python -m benchmarks.quality.rate_distortion PHOTOGRAPHS/kodak
python -m benchmarks.quality.rate_distortion PHOTOGRAPHS/clic2025 --curves "jpeg-flat/*" --workers 1
python -m benchmarks.quality.tables

The results are files of `save_results`, one for each curve, in a folder of `benchmarks/results/` that is called as that
of the pictures. A file is written anew after each picture, so that what is killed and started again goes on. A curve
whose weights, codec, strengths or metrics are others than its file's is measured anew. `curves.py` has the list.
"""

import argparse
import functools
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import keras_sandwich as ks
from benchmarks.quality.curves import METRICS, Curve, every_curve
from keras_sandwich._optional import progress_bar
from keras_sandwich.codecs.pool import cores, map_in_order
from keras_sandwich.pictures import find_pictures, read_srgb

RESULTS = Path(__file__).resolve().parent.parent / "results"
DIGITS = 6  # of each picture's values


class Task(NamedTuple):
    """A picture that a curve lacks."""

    curve: str
    picture: Path
    models: Path | None


def measure(task: Task) -> ks.evaluation.RDCurve:
    """The curve of one picture."""
    curve, system = _made(task.curve, task.models)
    picture = {task.picture.stem: read_srgb(task.picture)}
    measured = ks.evaluation.rd_curve(
        system,
        picture,
        curve.codec,
        curve.strengths,
        METRICS,
        curve.label,
        effort=curve.effort,
        verbose=0,
    )
    return replace(measured, fingerprint=curve.system.fingerprint)


@functools.lru_cache(maxsize=1)  # tasks come curve by curve
def _made(name: str, models: Path | None) -> tuple[Curve, object]:
    curve = next(curve for curve in every_curve(models) if curve.name == name)
    return curve, curve.system.make()


def recorded(curve: Curve, file: Path) -> ks.evaluation.RDCurve | None:
    """What the curve's file holds already; None if that is of other weights, settings, versions or metrics."""
    if not file.exists():
        return None
    found = ks.evaluation.load_results(file)
    # JSON has lists where settings have tuples; `settings` has lists too.
    settings = curve.codec.settings | ({"effort": curve.effort} if curve.effort else {})
    expected = (settings, curve.codec.version, list(curve.strengths))
    same = (found.settings, found.version, found.strengths) == expected
    same = (
        same
        and found.fingerprint == curve.system.fingerprint
        and set(found.quality) == set(METRICS)
    )
    return replace(found, name=curve.label) if same else None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pictures", type=Path, help="folder of photographs")
    parser.add_argument("--curves", nargs="+", default=["*"], help='names, such as "webp/alone-*"')
    parser.add_argument("--models", type=Path, help="folder of trained baselines, .keras")
    parser.add_argument("--workers", type=int, default=cores(), help="processes of one thread each")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--list", action="store_true", help="only say which curves there are")
    options = parser.parse_args()
    everything = every_curve(options.models)
    # In the order of the patterns.
    names = [(p, c) for p in options.curves for c in everything if fnmatch(c.name, p)]
    curves = list({curve.name: curve for _, curve in names}.values())
    if not curves:
        parser.error(f"no curve is called like {options.curves}; --list says which there are")
    if options.list:
        print(*(f"{curve.name:40} {curve.label}" for curve in curves), sep="\n")
        return
    pictures = find_pictures(options.pictures)
    folder = options.results / options.pictures.resolve().name
    files = {curve.name: folder / f"{curve.name}.json" for curve in curves}
    there = {curve.name: recorded(curve, files[curve.name]) for curve in curves}
    tasks = [
        Task(curve.name, picture, options.models)
        for curve in curves
        for picture in pictures
        if (found := there[curve.name]) is None or picture.stem not in found.pictures
    ]
    os.environ["OMP_NUM_THREADS"] = "1"  # of the workers, which are as many as the cores
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(options.workers, context) as pool,
        progress_bar(len(tasks), 1, "picture") as bar,
    ):
        results = map_in_order(measure, tasks, pool)
        for task, result in zip(tasks, results, strict=True):
            found = there[task.curve]
            joined = result if found is None else ks.evaluation.join_pictures([found, result])
            order = sorted(range(len(joined.pictures)), key=joined.pictures.__getitem__)
            there[task.curve] = joined.of_pictures(order)
            files[task.curve].parent.mkdir(parents=True, exist_ok=True)
            ks.evaluation.save_results(there[task.curve], files[task.curve], DIGITS)
            bar.update()


if __name__ == "__main__":
    main()
