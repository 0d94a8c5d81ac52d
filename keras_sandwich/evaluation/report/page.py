"""One file that shows how a system compares with others: curves, tables, pictures."""

import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import numpy as np

import keras_sandwich
from keras_sandwich.evaluation.bootstrap import require_level
from keras_sandwich.evaluation.comparison import Comparison
from keras_sandwich.evaluation.curve import RDCurve
from keras_sandwich.evaluation.plots import COLORS, look
from keras_sandwich.evaluation.quality import MEASURES, label
from keras_sandwich.evaluation.report.inline import (
    Box,
    around,
    crop,
    data_uri,
    most_detailed,
    planes,
    plot_svg,
    scaled,
)
from keras_sandwich.evaluation.report.tables import Deltas, delta_table, gain_cells, quality_table

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

    No other host is asked for anything. Without scripts only the slider between two pictures is missing, and they stand
    side by side. Light or dark as the reader's system is.

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
        ValueError: no curves, curves that have no metric in common, or a level that is not between 0 and 1.
        ImportError: Matplotlib or Pillow is not installed.
    """
    curves = list(curves)
    metrics = [metric for metric in MEASURES if all(metric in curve.quality for curve in curves)]
    if not curves or not metrics:
        held = {curve.name: sorted(curve.quality) for curve in curves}
        raise ValueError(
            f"Expected at least one curve, and a metric that all curves hold. Received {held}."
        )
    require_level(level)
    rates = _round_rates(curves[0]) if rates is None else [float(rate) for rate in rates]
    deltas = Deltas(curves, metrics, level, resamples)
    sections = [
        _header(title, description, deltas),
        _plots(curves, metrics),
        _tables(curves, metrics, rates, deltas),
        _pictures(pictures),
        _record(curves),
    ]
    here = Path(__file__).parent
    page = PAGE.format(
        version=escape(keras_sandwich.__version__),
        title=escape(title),
        style=(here / "report.css").read_text(encoding="utf-8"),
        script=(here / "report.js").read_text(encoding="utf-8"),
        body="\n".join(section for section in sections if section),
    )
    Path(path).write_text(page, encoding="utf-8", errors="backslashreplace")


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


def _plots(curves: Sequence[RDCurve], metrics: Sequence[str]) -> str:
    legend = ""
    for number, curve in enumerate(curves):
        color, marker = look(number)
        glyph = f"—{GLYPHS[marker]}—"
        style = f"color: var(--curve-{COLORS.index(color)})"
        legend += f'<li><i style="{style}">{glyph}</i>{escape(curve.name)}</li>'
    plots = "".join(
        f'<figure aria-label="{escape(label(metric))} over bits per pixel">'
        f"{plot_svg(curves, metric, f'plot{number}')}</figure>"
        for number, metric in enumerate(metrics)
    )
    similar = any("ssim" in metric for metric in metrics)
    note = " SSIM and MS-SSIM are shown as −10·log10(1 − x)." if similar else ""
    return (
        "<section>\n<h2>Rate and distortion</h2>\n"
        f'<p class="faint">Means over the pictures of each picture’s dB.{note}</p>\n'
        f'<ul class="legend">{legend}</ul>\n<div class="plots">{plots}</div>\n</section>'
    )


def _tables(
    curves: Sequence[RDCurve], metrics: Sequence[str], rates: Sequence[float], deltas: Deltas
) -> str:
    tables = [quality_table(curves, metric, rates, deltas) for metric in metrics] if rates else []
    if len(curves) > 1:
        tables.append(delta_table(deltas))
    listed = "\n".join(tables)
    notes = "".join(f"<li>{escape(note)}</li>" for note in deltas.notes)
    notes = f'<ul class="notes">{notes}</ul>' if notes else ""
    return f"<section>\n<h2>Numbers</h2>\n{listed}\n{notes}</section>"


def _pictures(pictures: Sequence[Comparison]) -> str:
    if not pictures:
        return ""
    return (
        "<section>\n<h2>Pictures</h2>\n"
        '<p class="faint">Every bit of the files counts. The enlarged part is the one with the most detail in the '
        "original.</p>\n" + "\n".join(map(_comparison, pictures)) + "\n</section>"
    )


def _comparison(comparison: Comparison) -> str:
    height, width = comparison.original.shape[:2]
    detail = most_detailed(comparison.original)
    shown = around(detail, height, width)
    entries = [("original", comparison.original, "", comparison.peak)]
    for name, (picture, rate) in comparison.versions.items():
        measured = f"{rate:.3f} bpp, {comparison.psnr(name):.2f} dB"
        entries.append((name, picture, measured, comparison.peak))
    whole = [
        _figure(crop(picture, shown), peak, name, text, side=True)
        for name, picture, text, peak in entries
    ]
    zoomed = [
        _figure(crop(picture, detail), peak, name, text) for name, picture, text, peak in entries
    ]
    if comparison.bottleneck is not None:
        bottleneck = comparison.bottleneck
        size = (bottleneck.shape[0], bottleneck.shape[1])
        text = (
            f"{size[1]}×{size[0]}, {bottleneck.shape[2]} channel{'s' * (bottleneck.shape[2] > 1)}"
        )

        def part(box: Box) -> str:
            pixels = planes(crop(bottleneck, scaled(box, (height, width), size)))
            return _figure(pixels, 255.0, "what the file carries", text)

        whole.append(part(shown))
        zoomed.insert(1, part(detail))
    cut = "" if (height, width) == shown[2:] else f"; {shown[3]}×{shown[2]} of it shown"
    return (
        f'<section class="comparison">\n<h3>{escape(comparison.name)}</h3>\n'
        f"<small>{width}×{height}{cut}</small>\n"
        f'<details class="side-by-side" open><summary>Side by side</summary>'
        f'<div class="row">{"".join(whole)}</div></details>\n'
        f'<div class="row zoom">{"".join(zoomed)}</div>\n'
        f"<small>{detail[3]}×{detail[2]} pixels, enlarged</small>\n</section>"
    )


def _figure(picture: np.ndarray, peak: float, name: str, text: str, side: bool = False) -> str:
    height, width = picture.shape[:2]
    option = escape(f"{name} · {text}" if text else name)
    attribute = f' data-side="{option}"' if side else ""
    measured = f"<span>{escape(text)}</span>" if text else ""
    return (
        f"<figure{attribute}>"
        f'<img src="{data_uri(picture, peak)}" width="{width}" height="{height}" alt="{option}">'
        f"<figcaption><b>{escape(name)}</b>{measured}</figcaption></figure>"
    )


def _record(curves: Sequence[RDCurve]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(curve.name)}</th><td>{escape(curve.codec)}'
        f"<small>{escape(curve.version)}</small>{_settings(curve)}</td>"
        f"<td>{escape(curve.bits_counted)}</td><td>{_strengths(curve)}</td>"
        f"<td>{_measured_pictures(curve)}</td></tr>"
        for curve in curves
    )
    versions = {f"{name} {version}" for c in curves for name, version in c.packages.items()}
    made = ", ".join(sorted(versions)) or f"keras-sandwich {keras_sandwich.__version__}"
    return (
        '<section>\n<h2>How it was measured</h2>\n<div class="scroll"><table class="record">'
        "<thead><tr><th>Curve</th><th>Codec</th><th>Bits counted</th><th>Strengths</th>"
        f"<th>Pictures</th></tr></thead><tbody>{rows}</tbody></table></div>\n</section>\n"
        f"<footer>Measured with {escape(made)}. Page written by keras-sandwich "
        f"{escape(keras_sandwich.__version__)}.</footer>"
    )


def _settings(curve: RDCurve) -> str:
    if not curve.settings:
        return ""
    text = json.dumps(dict(curve.settings), indent=1, ensure_ascii=False, default=str)
    return f"<details><summary>settings</summary><pre>{escape(text)}</pre></details>"


def _strengths(curve: RDCurve) -> str:
    def listed(numbers: Iterable[float]) -> str:
        return escape(", ".join(f"{number:g}" for number in numbers))

    if not curve.sources:
        return listed(curve.strengths)
    groups: dict[str, list[float]] = {}
    for source, strength in zip(curve.sources, curve.strengths, strict=True):
        groups.setdefault(source, []).append(strength)
    return "<br>".join(f"{escape(name)}: {listed(values)}" for name, values in groups.items())


def _measured_pictures(curve: RDCurve) -> str:
    number = curve.bpp.shape[1]
    names = ", ".join(curve.pictures)
    return f"{number}" + (f"<small>{escape(names)}</small>" if names else "")
