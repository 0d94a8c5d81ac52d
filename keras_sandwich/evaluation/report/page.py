"""One file that shows how a system compares with others: curves, tables, pictures."""

from collections.abc import Sequence
from pathlib import Path

from keras_sandwich._version import __version__
from keras_sandwich._whole_files import write_whole
from keras_sandwich.evaluation.bootstrap import require_level
from keras_sandwich.evaluation.comparison import Comparison
from keras_sandwich.evaluation.curve import RDCurve
from keras_sandwich.evaluation.plots import COLORS, look
from keras_sandwich.evaluation.report.compared_pictures import pictures_section
from keras_sandwich.evaluation.report.deltas import Deltas
from keras_sandwich.evaluation.report.inline_plots import plot_svg
from keras_sandwich.evaluation.report.markup import escape
from keras_sandwich.evaluation.report.record import record_section
from keras_sandwich.evaluation.report.tables import delta_table, gain_cells, quality_table

GLYPHS = dict(zip("osD^vP", "●■◆▲▼✚", strict=True))
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="keras-sandwich {version}">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
{body}
<script>
{script}</script>
</body>
</html>
"""


def write_report(
    path: str | Path,
    curves: Sequence[RDCurve],
    pictures: Sequence[Comparison] = (),
    title: str = "Rate-distortion report",
    description: str = "",
    rates: Sequence[float] | None = None,
    level: float = 0.95,
    resamples: int = 1000,
) -> None:
    """Writes a page that holds everything in itself: plots, tables with confidence intervals, pictures to compare.

    The numbers at its head are the first curve's gain, in the first metric, over the baseline that is hardest to beat.
    No other host is asked for anything. Without scripts only the slider between two pictures is missing, and they stand
    side by side. Light or dark as the reader's system is. The file is written whole or not at all.

    Example:

    ```python
    from pathlib import Path

    import numpy as np
    import keras_sandwich as ks

    bpp = np.array([[2.0], [1.0], [0.5], [0.25]]) * np.linspace(0.8, 1.2, 6)
    curves = [
        ks.evaluation.RDCurve(
            name, "JPEG", [2, 6, 18, 54], bpp, {"psnr-rgb": 34 + gain + 4 * np.log2(bpp)}
        )
        for name, gain in (("sandwich", 1.0), ("codec alone", 0.0))
    ]
    original = np.random.default_rng(0).integers(0, 256, (80, 96, 3))
    versions = {"sandwich": (original, 0.5), "codec alone": (255 - original, 0.51)}
    picture = ks.evaluation.Comparison("noise", original, versions)
    ks.evaluation.write_report("report.html", curves, [picture], resamples=50)
    assert "BD-rate" in Path("report.html").read_text(encoding="utf-8")
    ```

    Args:
        path: the file, `….html`.
        curves: the system first, then what it is compared with, usually on the same pictures.
        pictures: what `compare_at` returns, or comparisons made by hand.
        title: of the page.
        description: a paragraph below the title.
        rates: bits per pixel at which qualities are listed; by default some round ones that the first curve reaches.
        level: the confidence of the intervals, over the pictures. Curves of means alone get none.
        resamples: how often pictures are drawn for an interval.

    Raises:
        ValueError: no curves, curves that have no metric in common or disagree on its unit or direction, or a level
            that is not between 0 and 1.
        ImportError: Matplotlib or Pillow is not installed.
    """
    curves = list(curves)
    metrics = [
        metric
        for metric in (curves[0].quality if curves else ())
        if all(metric in curve.quality for curve in curves)
    ]
    if not metrics:
        held = {curve.name: sorted(curve.quality) for curve in curves}
        raise ValueError(
            f"Expected at least one curve, and a metric that all curves hold. Received {held}."
        )
    require_level(level)
    rates = _round_rates(curves[0]) if rates is None else [float(rate) for rate in rates]
    deltas = Deltas(curves, metrics, level, resamples)
    sections = [
        _header(title, description, deltas),
        _plots(deltas),
        _tables(rates, deltas),
        pictures_section(pictures),
        record_section(curves),
    ]
    here = Path(__file__).parent
    page = PAGE.format(
        version=escape(__version__),
        title=escape(title),
        style=(here / "report.css").read_text(encoding="utf-8"),
        script=(here / "report.js").read_text(encoding="utf-8"),
        body="\n".join(section for section in sections if section),
    )
    write_whole(path, page)


def _round_rates(curve: RDCurve) -> list[float]:
    """Up to six round rates that the curve reaches."""
    low, high = curve.mean_bpp.min(), curve.mean_bpp.max()
    for rounds in ((1, 1.5, 2, 3, 5, 7.5), (1, 2, 5), (1,)):
        found = [d * 10.0**e for e in range(-4, 3) for d in rounds if low <= d * 10.0**e <= high]
        if len(found) <= 6:
            break
    return [float(f"{rate:.3g}") for rate in found[:6]]


def _header(title: str, description: str, deltas: Deltas) -> str:
    said = f'<p class="description">{escape(description)}</p>' if description else ""
    best = deltas.best_baseline()
    if best is None:
        return f"<header>\n<h1>{escape(title)}</h1>\n{said}\n</header>"
    number = len(deltas.curves) - 1
    rank = f", the best of {number} baselines" if number > 1 else ""
    return (
        f"<header>\n<h1>{escape(title)}</h1>\n{said}\n"
        f'<ul class="numbers">{gain_cells(deltas, best)}</ul>\n'
        f'<p class="faint"><b>{escape(deltas.curves[0].name)}</b> over '
        f"<b>{escape(deltas.curves[best].name)}</b>{rank}: Bjøntegaard deltas.</p>\n</header>"
    )


def _plots(deltas: Deltas) -> str:
    legend = ""
    for number, curve in enumerate(deltas.curves):
        color, marker = look(number)
        glyph = f"—{GLYPHS[marker]}—"
        style = f"color: var(--curve-{COLORS.index(color)})"
        legend += f'<li><i style="{style}">{glyph}</i>{escape(curve.name)}</li>'
    plots = "".join(
        f'<figure aria-label="{escape(measure.label)} over bits per pixel">'
        f"{plot_svg(deltas.curves, metric, f'plot{number}')}</figure>"
        for number, (metric, measure) in enumerate(deltas.measures.items())
    )
    similar = [measure.label for measure in deltas.measures.values() if measure.similarity]
    note = f" {' and '.join(similar)}: −10·log10(1 − x), in dB." if similar else ""
    return (
        "<section>\n<h2>Rate and distortion</h2>\n"
        f'<p class="faint">Means over the pictures of each picture’s value.{escape(note)}</p>\n'
        f'<ul class="legend">{legend}</ul>\n<div class="plots">{plots}</div>\n</section>'
    )


def _tables(rates: Sequence[float], deltas: Deltas) -> str:
    tables = [quality_table(deltas, metric, rates) for metric in deltas.metrics] if rates else []
    if len(deltas.curves) > 1:
        tables.append(delta_table(deltas))
    listed = "\n".join(tables)
    notes = "".join(f"<li>{escape(note)}</li>" for note in deltas.notes)
    notes = f'<ul class="notes">{notes}</ul>' if notes else ""
    return f"<section>\n<h2>Numbers</h2>\n{listed}\n{notes}</section>"
