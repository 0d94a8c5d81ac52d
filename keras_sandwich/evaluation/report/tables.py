"""The tables of a report: qualities at rates and Bjøntegaard deltas, losses in a colour of their own."""

from collections.abc import Sequence

from keras_sandwich.evaluation.curve import RDCurve
from keras_sandwich.evaluation.report.deltas import Deltas, Estimate
from keras_sandwich.evaluation.report.markup import escape


def gain_cells(deltas: Deltas, number: int) -> str:
    """Cells of quality and of bits over a baseline: the number, its meaning and its interval."""
    metric = deltas.metrics[0]
    measure = deltas.measures[metric]
    label, baseline = escape(measure.label), f"<em>{escape(deltas.curves[number].name)}</em>"
    cells = ""
    for kind, meaning in (
        ("quality", f"{label} over {baseline} at equal bits"),
        ("rate", f"bits against {baseline} at equal {label}"),
    ):
        estimate = deltas.values[number, metric, kind]
        if estimate is not None:
            text, kept, interval = _shown(deltas, metric, kind, estimate)
            sure = f"{100 * deltas.level:g} % interval: {interval}" if interval else "no interval"
            cells += f'<li class="{kept}"><b>{text}</b>{meaning}<small>{sure}</small></li>'
    return cells


def delta_table(deltas: Deltas) -> str:
    """Bjøntegaard deltas of the first curve over every other, a row for each metric."""
    first = deltas.curves[0].name
    rows = ""
    for number, curve in enumerate(deltas.curves[1:], start=1):
        for place, metric in enumerate(deltas.metrics):
            head = (
                f'<th scope="rowgroup" rowspan="{len(deltas.metrics)}">over {escape(curve.name)}</th>'
                if place == 0
                else ""
            )
            cells = "".join(
                _cell(deltas, metric, kind, deltas.values[number, metric, kind])
                for kind in ("rate", "quality")
            )
            label = escape(deltas.measures[metric].label)
            rows += f'<tr>{head}<td class="text">{label}</td>{cells}</tr>'
    caption = (
        f"{first}: the mean change of bits at equal quality (fewer is better) and of quality at equal "
        f"bits{_better(deltas)}, with {100 * deltas.level:g} % intervals over the pictures"
    )
    heads = (
        '<th class="text" scope="col">quality</th><th scope="col">bits (BD-rate)</th>'
        '<th scope="col">quality (BD-PSNR)</th>'
    )
    return scrolling(caption, heads, rows)


def _better(deltas: Deltas) -> str:
    """Which direction is better, where all metrics agree; else of which lower is."""
    lower = [m.label for m in deltas.measures.values() if not m.higher_is_better]
    return f" (more is better, of {' and '.join(lower)} less)" if lower else " (more is better)"


def scrolling(caption: str, heads: str, rows: str) -> str:
    """A table that scrolls on a narrow screen, below a caption that does not."""
    return (
        f'<figure class="table"><figcaption>{escape(caption)}</figcaption><div class="scroll"><table>'
        f'<thead><tr><th scope="col"></th>{heads}</tr></thead><tbody>{rows}</tbody></table></div></figure>'
    )


def quality_table(deltas: Deltas, metric: str, rates: Sequence[float]) -> str:
    """A metric of every curve at some rates, and how far the first one is from it; intervals for the first metric."""
    curves, measure = deltas.curves, deltas.measures[metric]
    heads = "".join(f'<th scope="col">{rate:g} bpp</th>' for rate in rates)
    rows = ""
    for curve in curves:
        cells = "".join(_quality_cell(curves[0], curve, rate, metric, deltas) for rate in rates)
        rows += f'<tr><th scope="row">{escape(curve.name)}</th>{cells}</tr>'
    place = "above" if measure.higher_is_better else "above (−: below, which is better)"
    gains = f"; below, how far {curves[0].name} is {place}" if len(curves) > 1 else ""
    if gains and metric == deltas.metrics[0]:
        gains += f", with {100 * deltas.level:g} % intervals"
    return scrolling(f"{measure.title} at equal bits{gains}", heads, rows)


def _quality_cell(first: RDCurve, curve: RDCurve, rate: float, metric: str, deltas: Deltas) -> str:
    measure = deltas.measures[metric]

    def reached(c: RDCurve) -> bool:
        return bool(c.mean_bpp.min() <= rate <= c.mean_bpp.max())

    if not reached(curve):
        return "<td>–</td>"
    value = f"{curve.quality_at(rate, metric):.{measure.decimals}f}"
    if curve is first or not reached(first):
        return f"<td>{value}</td>"

    def gain(a: RDCurve, b: RDCurve) -> float:
        return a.quality_at(rate, metric) - b.quality_at(rate, metric)

    sure = ""
    if metric == deltas.metrics[0]:
        name = f"{measure.label} over {curve.name} at {rate:g} bits per pixel"
        estimate = deltas.estimate(gain, [first, curve], name)
        sure = "" if estimate is None else f"<small>{_interval(estimate, measure.decimals)}</small>"
    by = gain(first, curve)
    kept = _gain_or_loss(measure.sign * by, measure.decimals)
    return f'<td>{value}<small class="{kept}">{signed(by, measure.decimals)}</small>{sure}</td>'


def _cell(deltas: Deltas, metric: str, kind: str, estimate: Estimate | None) -> str:
    if estimate is None:
        return "<td>–</td>"
    text, kept, interval = _shown(deltas, metric, kind, estimate)
    small = f"<small>{interval}</small>" if interval else ""
    return f'<td class="{kept}">{text}{small}</td>'


def _shown(deltas: Deltas, metric: str, kind: str, estimate: Estimate) -> tuple[str, str, str]:
    """A delta with its unit, whether it is a gain or a loss, and its interval."""
    measure = deltas.measures[metric]
    if kind == "rate":
        text, decimals, sign = f"{signed(estimate.value, 1)} %", 1, -1.0
    else:
        decimals = 2 if measure.scale_unit == "dB" else measure.decimals
        text, sign = measure.with_unit(signed(estimate.value, decimals)), measure.sign
    kept = _gain_or_loss(sign * estimate.value, decimals)
    return text, kept, _interval(estimate, decimals)


def _gain_or_loss(value: float, decimals: int) -> str:
    """The class of a number as it is shown, larger being better; what is shown as nothing is no loss."""
    return "gain" if round(value, decimals) >= 0 else "loss"


def _interval(estimate: Estimate, decimals: int) -> str:
    if estimate.interval is None:
        return ""
    low, high = (signed(value, decimals) for value in estimate.interval)
    return f"{low} to {high}"


def signed(value: float, decimals: int) -> str:
    """A number with its sign, which for nothing is none."""
    text = f"{abs(value):.{decimals}f}"
    if not float(text):
        return text
    return ("−" if value < 0 else "+") + text
