"""The tables of a report: qualities at rates, Bjøntegaard deltas, and how sure they are."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

from keras_sandwich.evaluation.bjontegaard import bd_psnr, bd_rate
from keras_sandwich.evaluation.bootstrap import confidence_interval
from keras_sandwich.evaluation.curve import RDCurve, require_same_pictures
from keras_sandwich.evaluation.quality import MEASURES, is_similarity, label


@dataclass(frozen=True)
class Estimate:
    """A number and the interval that it lies in, where that is known."""

    value: float
    interval: tuple[float, float] | None


@dataclass
class Deltas:
    """Bjøntegaard deltas of the first curve over each of the others; what could not be had is said in `notes`."""

    curves: Sequence[RDCurve]
    metrics: Sequence[str]
    level: float
    resamples: int
    notes: list[str] = field(default_factory=list)
    values: dict[tuple[int, str, str], Estimate | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, baseline in enumerate(self.curves[1:], start=1):
            for metric in self.metrics:
                for kind, function in (("rate", bd_rate), ("psnr", bd_psnr)):

                    def delta(
                        reference: RDCurve,
                        curve: RDCurve,
                        function: Callable[..., float] = function,
                        metric: str = metric,
                    ) -> float:
                        return function(reference, curve, metric)

                    estimate = self.estimate(delta, [baseline, self.curves[0]])
                    self.values[number, metric, kind] = estimate

    def estimate(
        self, statistic: Callable[..., float], curves: Sequence[RDCurve]
    ) -> Estimate | None:
        """A statistic with its interval; None where there is no value."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                value = statistic(*curves)
            except ValueError as error:
                self.note(str(error))
                return None
            try:
                require_same_pictures(curves)
                interval = confidence_interval(statistic, curves, self.level, self.resamples)
            except ValueError as error:
                self.note(f"No interval: {error}")
                interval = None
        for warning in caught:
            self.note(str(warning.message))
        return Estimate(value, interval)

    def note(self, text: str) -> None:
        """Says something below the tables, once."""
        if text not in self.notes:
            self.notes.append(text)

    def best_baseline(self) -> int | None:
        """The baseline over which the gain in dB is least."""
        gains = {
            number: estimate.value
            for (number, metric, kind), estimate in self.values.items()
            if metric == self.metrics[0] and kind == "psnr" and estimate is not None
        }
        return min(gains, key=lambda number: gains[number]) if gains else None


def gain_cells(deltas: Deltas, number: int) -> str:
    """Cells of dB and of bits over a baseline: the number, its meaning and its interval; a loss has its own colour."""
    metric = deltas.metrics[0]
    cells = ""
    for kind, meaning, decimals, unit, better in (
        ("psnr", "at equal bits", 2, " dB", 1),
        ("rate", "bits at equal quality", 1, " %", -1),
    ):
        estimate = deltas.values[number, metric, kind]
        if estimate is not None:
            text = _interval(estimate, decimals)
            sure = f"{100 * deltas.level:g} % interval: {text}" if text else "no interval"
            kept = "gain" if better * estimate.value >= 0 else "loss"
            cells += (
                f'<li class="{kept}"><b>{signed(estimate.value, decimals)}{unit}</b>'
                f"{meaning} ({escape(label(metric))})<small>{sure}</small></li>"
            )
    return cells


def delta_table(deltas: Deltas) -> str:
    """BD-rate and BD-PSNR of the first curve over every other, a row for each metric."""
    first = deltas.curves[0].name
    rows = ""
    for number, curve in enumerate(deltas.curves[1:], start=1):
        for place, metric in enumerate(deltas.metrics):
            head = (
                f'<th scope="rowgroup" rowspan="{len(deltas.metrics)}">over {escape(curve.name)}</th>'
                if place == 0
                else ""
            )
            rate = _cell(deltas.values[number, metric, "rate"], 1, " %")
            gain = _cell(deltas.values[number, metric, "psnr"], 2, " dB")
            rows += f'<tr>{head}<td class="text">{escape(label(metric))}</td>{rate}{gain}</tr>'
    caption = (
        f"{first}: the mean change of bits at equal quality (fewer is better) and of quality at equal "
        f"bits (more is better), with {100 * deltas.level:g} % intervals over the pictures"
    )
    heads = (
        '<th class="text" scope="col">quality</th><th scope="col">bits (BD-rate)</th>'
        '<th scope="col">quality (BD-PSNR)</th>'
    )
    return scrolling(caption, heads, rows)


def scrolling(caption: str, heads: str, rows: str) -> str:
    """A table that scrolls on a narrow screen, below a caption that does not."""
    return (
        f'<figure class="table"><figcaption>{escape(caption)}</figcaption><div class="scroll"><table>'
        f'<thead><tr><th scope="col"></th>{heads}</tr></thead><tbody>{rows}</tbody></table></div></figure>'
    )


def quality_table(
    curves: Sequence[RDCurve], metric: str, rates: Sequence[float], deltas: Deltas
) -> str:
    """A metric of every curve at some rates, and how far the first one is above; intervals for the first metric."""
    decimals = MEASURES[metric].decimals
    unit = "" if is_similarity(metric) else " in dB"
    heads = "".join(f'<th scope="col">{rate:g} bpp</th>' for rate in rates)
    rows = ""
    for curve in curves:
        cells = ""
        for rate in rates:
            cells += _quality_cell(curves[0], curve, rate, metric, decimals, deltas)
        rows += f'<tr><th scope="row">{escape(curve.name)}</th>{cells}</tr>'
    gains = f"; below, how far {curves[0].name} is above" if len(curves) > 1 else ""
    if gains and metric == deltas.metrics[0]:
        gains += f", with {100 * deltas.level:g} % intervals"
    return scrolling(f"{label(metric)}{unit} at equal bits{gains}", heads, rows)


def _quality_cell(
    first: RDCurve, curve: RDCurve, rate: float, metric: str, decimals: int, deltas: Deltas
) -> str:
    def reached(c: RDCurve) -> bool:
        return bool(c.mean_bpp.min() <= rate <= c.mean_bpp.max())

    if not reached(curve):
        return "<td>–</td>"
    value = f"{curve.quality_at(rate, metric):.{decimals}f}"
    if curve is first or not reached(first):
        return f"<td>{value}</td>"

    def gain(a: RDCurve, b: RDCurve) -> float:
        return a.quality_at(rate, metric) - b.quality_at(rate, metric)

    sure = ""
    if metric == deltas.metrics[0]:
        estimate = deltas.estimate(gain, [first, curve])
        sure = "" if estimate is None else f"<small>{_interval(estimate, decimals)}</small>"
    return f"<td>{value}<small>{signed(gain(first, curve), decimals)}</small>{sure}</td>"


def _cell(estimate: Estimate | None, decimals: int, unit: str) -> str:
    if estimate is None:
        return "<td>–</td>"
    text = _interval(estimate, decimals)
    small = f"<small>{text}</small>" if text else ""
    return f"<td>{signed(estimate.value, decimals)}{unit}{small}</td>"


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
