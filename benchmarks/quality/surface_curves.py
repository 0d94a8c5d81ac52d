"""What the benchmarks of normal maps and of materials share: curves that are resumed, rows of bits over a baseline."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import keras_sandwich as ks
from keras_sandwich.evaluation import RDCurve

System = tuple[Any, Any, str]  # the system, the codec and the weights' fingerprint of a curve


def measure(
    systems: Mapping[str, System],
    surfaces: Mapping[str, np.ndarray],
    steps: Sequence[float],
    metrics: Sequence[Any],
    results: Path,
    told: Callable[[RDCurve], str],
) -> None:
    """Measures each system that `results` has no curve of with these weights, and writes and tells it."""
    for name, (system, codec, fingerprint) in systems.items():
        file = results / f"{name}.json"
        if file.exists():
            held = ks.evaluation.load_results(file)
            expected = (fingerprint, list(surfaces), list(steps))
            if (held.fingerprint, held.pictures, held.strengths) == expected:
                continue
        curve = ks.evaluation.rd_curve(system, surfaces, codec, steps, metrics, name, verbose=0)
        file.parent.mkdir(parents=True, exist_ok=True)
        ks.evaluation.save_results(replace(curve, fingerprint=fingerprint), file, 6)
        print(f"{name:28} bpp {curve.mean_bpp.round(3)} {told(curve)}", flush=True)


def load_curves(results: Path) -> dict[str, RDCurve]:
    """The curves of a folder by their files' names."""
    return {file.stem: ks.evaluation.load_results(file) for file in sorted(results.glob("*.json"))}


def head(columns: Sequence[str]) -> list[str]:
    """The first two lines of a table."""
    return ["| | " + " | ".join(columns) + " |", "| --- |" + " ---: |" * len(columns)]


def bits_over(name: str, curve: RDCurve, baselines: Sequence[RDCurve], metric: str) -> str:
    """A row: the BD-rate over the best of the baselines, surface by surface, and the mean where all are known."""
    values = []
    for k in range(len(curve.pictures)):
        best = ks.evaluation.upper_envelope([b.of_pictures([k]) for b in baselines], metric)
        values.append(_more_bits(best, curve.of_pictures([k]), metric))
    known = [value for value in values if value is not None]
    values.append(float(np.mean(known)) if len(known) == len(values) else None)
    numbers = " | ".join("—" if v is None else f"{v:+.1f} %" for v in values)
    return f"| {name} | {numbers} |"


def _more_bits(reference: RDCurve, curve: RDCurve, metric: str) -> float | None:
    """The BD-rate in percent; None where the two share no quality."""
    try:
        return ks.evaluation.bd_rate(reference, curve, metric)
    except ValueError:
        return None


def run(
    description: str | None,
    results: Path,
    measured: Callable[[Path, list[Path], Path], None],
    tables: Callable[[Path], str],
) -> None:
    """The command line of either benchmark."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("textures", type=Path, nargs="?", help="folder")
    parser.add_argument("--models", type=Path, nargs="*", default=[], help=".keras files")
    parser.add_argument("--results", type=Path, default=results)
    parser.add_argument("--tables", action="store_true", help="only print what was measured")
    options = parser.parse_args()
    if not options.tables:
        measured(options.textures, options.models, options.results)
    print(tables(options.results))
