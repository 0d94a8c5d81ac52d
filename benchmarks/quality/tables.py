"""Writes the tables of README and docs from the files of results, so that no number is typed by hand.

python -m benchmarks.quality.tables           # writes what is between `<!-- table: NAME -->` and `<!-- end -->`
python -m benchmarks.quality.tables --check   # says which documents would change, and fails if any would

A row of which not everything was measured yet is left out.
"""

import argparse
import functools
import json
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path

import keras_sandwich as ks
from benchmarks.quality.curves import preset_scenario
from benchmarks.quality.rate_distortion import RESULTS
from keras_sandwich.evaluation import RDCurve

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = ("README.md", "docs/benchmarks.md", "docs/files.md", "docs/presets.md")
TABLE = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

RATES = (0.3, 0.5, 0.75, 1.0)
RESAMPLES = 200
METRICS = {"psnr": ("psnr-rgb", 2), "ms-ssim": ("ms-ssim-rgb", 4)}

# What is compared with the presets of a scenario: what it is, and the results of which the best at each rate counts.
ROWS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "grayscale": (
        ("a network after the codec alone", ("jpeg-flat/grayscale-network-after-*",)),
        ("a network before the codec alone", ("jpeg-flat/grayscale-network-before-*",)),
        ("the best linear baseline: multiplexed chroma", ("jpeg-flat/linear-multiplexed-400",)),
        ("the simple linear baseline: modulated chroma", ("jpeg-flat/linear-modulated-400",)),
        ("JPEG 4:0:0, luma only", ("jpeg-flat/alone-400",)),
        ("JPEG 4:2:0 in colour, a flat table", ("jpeg-flat/alone-420",)),
        ("JPEG 4:2:0 in colour, tables of Annex K", ("jpeg-annex-k/alone-420",)),
        ("JPEG 4:2:0 in colour, jpegli", ("jpegli/alone-420",)),
    ),
    "lowres": (
        ("a network after the codec alone", ("jpeg-flat/lowres-network-after-*",)),
        ("a network before the codec alone", ("jpeg-flat/lowres-network-before-*",)),
        ("the best linear baseline: DCT resampling", ("jpeg-flat/linear-dct-420",)),
        ("the simple linear baseline: bicubic, Lanczos3", ("jpeg-flat/linear-lowres-420",)),
        ("JPEG 4:2:0 of the full picture, a flat table", ("jpeg-flat/alone-420",)),
        ("JPEG 4:2:0 of the full picture, tables of Annex K", ("jpeg-annex-k/alone-420",)),
        ("JPEG 4:2:0 of the full picture, jpegli", ("jpegli/alone-420",)),
    ),
    "colour": (
        ("a network after the codec alone", ("jpeg-flat/colour-network-after-*",)),
        ("a network before the codec alone", ("jpeg-flat/colour-network-before-*",)),
        ("JPEG 4:2:0, a flat table", ("jpeg-flat/alone-420",)),
        ("JPEG 4:2:0, tables of Annex K", ("jpeg-annex-k/alone-420",)),
        ("JPEG 4:2:0, jpegli", ("jpegli/alone-420",)),
    ),
}


class Measured:
    """The results of one set of photographs, by the names of their curves."""

    def __init__(self, folder: Path) -> None:
        files = sorted(folder.rglob("*.json"))
        curves = {f.relative_to(folder).with_suffix("").as_posix(): f for f in files}
        loaded = {name: ks.evaluation.load_results(file) for name, file in curves.items()}
        self.all = loaded
        # A curve that lacks some of the photographs is still being measured.
        most = max((curve.bpp.shape[1] for curve in loaded.values()), default=0)
        self.curves = {n: c for n, c in loaded.items() if c.bpp.shape[1] == most}
        self.photographs = most

    def best(self, patterns: Sequence[str], metric: str, name: str) -> RDCurve | None:
        """The best of the curves of these names at every rate; None unless there is one of each pattern."""
        each = [[c for n, c in self.curves.items() if fnmatch(n, p)] for p in patterns]
        found = [curve for curves in each for curve in curves]
        if not all(each) or len(found) < 2:
            return found[0] if all(each) else None
        return ks.evaluation.upper_envelope(found, metric, name)

    def presets(self, scenario: str) -> dict[str, RDCurve]:
        """The curves of the scenario's presets around a flat JPEG, by the presets' names."""
        names = [name for name in ks.presets.names() if preset_scenario(name) == scenario]
        found = {
            name: self.best([f"jpeg-flat/preset-{name}-???"], "psnr-rgb", name) for name in names
        }
        return {name: curve for name, curve in found.items() if curve is not None}

    def baselines(self, scenario: str, metric: str) -> dict[str, RDCurve]:
        found = {label: self.best(patterns, metric, label) for label, patterns in ROWS[scenario]}
        return {label: curve for label, curve in found.items() if curve is not None}


@functools.cache
def measured(pictures: str) -> Measured:
    return Measured(RESULTS / pictures)


def at_rates(pictures: str, scenario: str, metric: str) -> str:
    """A metric at some rates: the mean over photographs at each strength, interpolated."""
    name, decimals = METRICS[metric]
    results = measured(pictures)
    rows = {f"preset `{n}`": c for n, c in results.presets(scenario).items()}
    best = {rate: max((_at(c, rate, name) for c in rows.values()), default=0.0) for rate in RATES}
    rows |= results.baselines(scenario, name)
    lines = []
    for label, curve in rows.items():
        values = [_at(curve, rate, name) for rate in RATES]
        texts = [f"{value:.{decimals}f}" if value > 0 else "–" for value in values]
        marked = [
            f"**{t}**" if v > 0 and v == best[r] else t
            for t, v, r in zip(texts, values, RATES, strict=True)
        ]
        lines.append([label, *marked])
    unit = ks.evaluation.quality.MEASURES[name].title
    return _table([unit, *(f"{rate:g} bpp" for rate in RATES)], lines)


def _at(curve: RDCurve, rate: float, metric: str) -> float:
    """A mean metric at a rate; −∞ where the curve does not reach it."""
    try:
        return curve.quality_at(rate, metric)
    except ValueError:
        return float("-inf")


def deltas(pictures: str, scenario: str, metric: str) -> str:
    """What the presets save and gain over each baseline, with an interval over photographs."""
    name, _ = METRICS[metric]
    results = measured(pictures)
    presets = results.presets(scenario)
    if not presets:
        return "Not measured yet.\n"
    lines = []
    for label, anchor in results.baselines(scenario, name).items():
        cells = []
        for preset in presets.values():
            cells.append(_with_interval(ks.evaluation.bd_rate, anchor, preset, name, "+.1f", " %"))
            cells.append(_with_interval(ks.evaluation.bd_psnr, anchor, preset, name, "+.2f", " dB"))
        lines.append([f"over {label}", *cells])
    columns = [f"`{n}`, {what}" for n in presets for what in ("BD-rate", "gain")]
    return _table([ks.evaluation.quality.MEASURES[name].label, *columns], lines)


def _with_interval(
    delta: Callable[..., float], anchor: RDCurve, curve: RDCurve, metric: str, form: str, unit: str
) -> str:
    """A delta with its interval of 95 %; "–" where the curves have nothing in common."""
    statistic = functools.partial(delta, metric=metric)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of points that more bits do not make better
        try:
            value = statistic(anchor, curve)
            low, high = ks.evaluation.confidence_interval(
                statistic, [anchor, curve], resamples=RESAMPLES
            )
        except ValueError:
            return "–"
    return f"{value:{form}}{unit} ({low:{form}} to {high:{form}})".replace("-", "−")


def refined(pictures: str) -> str:
    """What refining the files brings each preset, on those photographs of which both were measured."""
    results = measured(pictures)
    lines = []
    for name, curve in results.all.items():
        plain = results.all.get(name.removesuffix("-refined"))
        if not name.endswith("-refined") or plain is None:
            continue
        plain = plain.of_pictures([plain.pictures.index(picture) for picture in curve.pictures])
        cells = []
        for rate in RATES:
            before, after = (_at(each, rate, "psnr-rgb") for each in (plain, curve))
            known = min(before, after) > 0
            cells.append(f"{before:.2f} → {after:.2f} ({after - before:+.2f})" if known else "–")
        label = f"{plain.name}, {len(curve.pictures)} photographs"
        lines.append([label, *cells])
    return _table(["PSNR in dB", *(f"{rate:g} bpp" for rate in RATES)], lines)


def presets() -> str:
    """What is bundled: what carries what, at which steps, how large it is."""
    lines = []
    for name in ks.presets.names():
        folder, said = ks.presets.bundled.folder(name), ks.presets.describe(name)
        config = json.loads((folder / ks.presets.bundled.CONFIG).read_bytes())["config"]
        steps = config.get("qstep_range")
        lines.append(
            [
                f"`{name}`",
                said["description"],
                said["measured"].get("codec", "–"),
                f"{steps[0]:g} to {steps[1]:g}" if steps else "one",
                *(
                    f"{said['parameters'][side] / 1e6:.2f}"
                    for side in ("preprocessor", "postprocessor")
                ),
                f"{(folder / ks.presets.bundled.WEIGHTS).stat().st_size / 1e6:.1f}",
            ]
        )
    head = ["preset", "what for", "trained around", "steps", "before", "after", "MB"]
    return _table(head, lines, texts=3)


def _table(head: list[str], lines: list[list[str]], texts: int = 1) -> str:
    """Of so many columns of text, and numbers behind them."""
    rows = [head, [*["---"] * texts, *["---:"] * (len(head) - texts)], *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


TABLES: dict[str, Callable[[], str]] = {
    f"{pictures}-{scenario}-{metric}{suffix}": functools.partial(make, pictures, scenario, metric)
    for pictures in ("kodak", "clic2025")
    for scenario in ROWS
    for metric in METRICS
    for suffix, make in (("", at_rates), ("-deltas", deltas))
} | {"kodak-refined": functools.partial(refined, "kodak"), "presets": presets}


def written(text: str) -> str:
    """A document with its tables as the results have them."""

    def table(found: re.Match[str]) -> str:
        if found[2] not in TABLES:
            raise ValueError(
                f"There is no table {found[2]!r}. Expected one of {', '.join(TABLES)}."
            )
        return f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}"

    return TABLE.sub(table, text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    changed = []
    for document in DOCUMENTS:
        text = (ROOT / document).read_text(encoding="utf-8")
        if (new := written(text)) != text:
            changed.append(document)
            if not options.check:
                (ROOT / document).write_text(new, encoding="utf-8")
    if options.check and changed:
        sys.exit(
            f"not as the results say: {', '.join(changed)}; python -m benchmarks.quality.tables"
        )


if __name__ == "__main__":
    main()
