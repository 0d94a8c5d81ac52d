"""Bjøntegaard deltas: the mean distance of two rate-distortion curves, in percent of bits or in quality.

G. Bjøntegaard, "Calculation of average PSNR differences between RD-curves", VCEG-M33, 2001, fits one cubic polynomial
to each curve. Today the curves are interpolated piecewise (C. Herglotz et al., "The Bjøntegaard Bible", 2023).
"""

import contextlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_sandwich._arguments import require_option
from keras_sandwich.evaluation.curve import RDCurve, shared_measure
from keras_sandwich.evaluation.frontier import not_dominated
from keras_sandwich.evaluation.piecewise_cubic import METHODS, interpolate
from keras_sandwich.evaluation.quality import MEASURES, Measure

RATES = ("bpp", "bitrate", "rate")  # what a dict may call the rate
LEAST_POINTS = 4


def bd_rate(
    reference: Any,
    curve: Any,
    metric: str | Measure = "psnr-rgb",
    method: str = "akima",
    rates: tuple[float, float] | None = None,
) -> float:
    """How many more bits a curve needs than a reference at equal quality, in percent; negative is fewer.

    The mean over the qualities that both curves reach of the logarithms of the rates. Points that cost more bits than
    another without being better are left out, with a warning.

    Example:

    ```python
    import keras_sandwich as ks

    reference = ([0.25, 0.5, 1.0, 2.0], [25.0, 28.0, 31.0, 34.0])
    half = [(0.125, 25.0), (0.25, 28.0), (0.5, 31.0), (1.0, 34.0)]
    assert abs(ks.evaluation.bd_rate(reference, half) + 50.0) < 1e-6
    ```

    Args:
        reference: an `RDCurve`; a pair (rates, qualities); a list of points (rate, quality); or a dict of rates and
            qualities, {"bpp": […], "psnr": […]}.
        curve: what is compared with it.
        metric: which quality of an `RDCurve` or a dict. SSIM and MS-SSIM count as −10·log10(1 − x) dB there; pairs and
            points are taken as they are. A `Measure` says of which quality lower is better.
        method: "akima" or "pchip" interpolate piecewise; "cubic" fits one cubic polynomial, as in 2001.
        rates: (low, high): only the qualities that the reference has between these rates.

    Returns:
        Percent.

    Raises:
        ValueError: fewer than four points, no quality that both curves reach, `rates` that they do not cover, or curves
            that disagree on the metric's unit or direction.
    """
    return _delta(reference, curve, metric, method, rates, by_quality=True)


def bd_psnr(
    reference: Any,
    curve: Any,
    metric: str | Measure = "psnr-rgb",
    method: str = "akima",
    rates: tuple[float, float] | None = None,
) -> float:
    """How much higher a curve's quality is than a reference's at equal rate: in dB, or in the metric's own unit.

    Positive is better, except of a metric such as LPIPS, of which lower is better: there negative is. The mean over the
    logarithms of the rates that both curves reach. Points that cost more bits than another without
    being better are left out, with a warning.

    Example:

    ```python
    import keras_sandwich as ks

    reference = ([0.25, 0.5, 1.0, 2.0], [25.0, 28.0, 31.0, 34.0])
    better = ([0.3, 0.6, 1.2, 2.4], [28.0, 31.0, 34.0, 37.0])
    assert 2.0 < ks.evaluation.bd_psnr(reference, better, rates=(0.5, 1.0)) < 3.0
    ```

    Args:
        reference: an `RDCurve`; a pair (rates, qualities); a list of points (rate, quality); or a dict of rates and
            qualities, {"bpp": […], "psnr": […]}.
        curve: what is compared with it.
        metric: which quality of an `RDCurve` or a dict. SSIM and MS-SSIM count as −10·log10(1 − x) dB there; pairs and
            points are taken as they are. A `Measure` says of which quality lower is better.
        method: "akima" or "pchip" interpolate piecewise; "cubic" fits one cubic polynomial, as in 2001.
        rates: (low, high): only these rates.

    Returns:
        dB, or the metric's unit.

    Raises:
        ValueError: fewer than four points, no rate that both curves reach, `rates` that they do not cover, or curves
            that disagree on the metric's unit or direction.
    """
    return _delta(reference, curve, metric, method, rates, by_quality=False)


@dataclass(frozen=True)
class _Points:
    """A curve's points of rising rate and quality; where lower is better, of the quality with its sign turned."""

    name: str
    log_rates: np.ndarray
    qualities: np.ndarray


def _delta(
    reference: Any,
    curve: Any,
    metric: str | Measure,
    method: str,
    rates: tuple[float, float] | None,
    by_quality: bool,
) -> float:
    require_option(method, METHODS, "method")
    measure = _measure([c for c in (reference, curve) if isinstance(c, RDCurve)], metric)
    points = [_points(reference, "reference", measure), _points(curve, "curve", measure)]
    axes = [
        (p.qualities, p.log_rates) if by_quality else (p.log_rates, p.qualities) for p in points
    ]
    low = float(max(axis[0] for axis, _ in axes))
    high = float(min(axis[-1] for axis, _ in axes))
    what, unit = ("qualities", measure.scale_unit) if by_quality else ("rates", "bits per pixel")

    def said(value: float) -> str:
        return f"{measure.sign * value if by_quality else 10.0**value:.4g}"

    if low >= high:
        ranges = " and ".join(
            f"'{p.name}' from {said(axis[0])} to {said(axis[-1])}"
            for p, (axis, _) in zip(points, axes, strict=True)
        )
        raise ValueError(
            f"The curves share no {what}, so nothing can be compared. "
            f"Received {f'{ranges} {unit}'.rstrip()}; measure more strengths."
        )
    if rates is not None:
        asked = _range(rates)
        if by_quality:
            inside = points[0].log_rates[0] <= asked[0] and asked[1] <= points[0].log_rates[-1]
            along_rate = interpolate(points[0].log_rates, points[0].qualities, method)
            asked = (along_rate.value(asked[0]), along_rate.value(asked[1])) if inside else asked
        else:
            inside = True
        if not (inside and low <= asked[0] and asked[1] <= high):
            raise ValueError(
                f"`rates` must lie where both curves were measured, on {what} from {said(low)} to "
                f"{said(high)} {unit}. Received rates={tuple(rates)}; measure more strengths."
            )
        low, high = asked
    integrals = [interpolate(x, y, method).integral(low, high) for x, y in axes]
    mean = (integrals[1] - integrals[0]) / (high - low)
    return 100.0 * (10.0**mean - 1.0) if by_quality else measure.sign * mean


def _range(rates: tuple[float, float]) -> tuple[float, float]:
    given = np.asarray(rates)
    if given.shape != (2,) or not 0 < given[0] < given[1] < np.inf:
        raise ValueError(f"`rates` must be two rising positive bit rates. Received rates={rates}.")
    return float(np.log10(given[0])), float(np.log10(given[1]))


def _measure(curves: list[RDCurve], metric: str | Measure) -> Measure:
    if isinstance(metric, Measure):
        return metric
    if curves:
        return shared_measure(curves, metric)
    return MEASURES.get(metric) or Measure(metric)


def _points(curve: Any, role: str, measure: Measure) -> _Points:
    name = role
    if isinstance(curve, RDCurve):
        name, rates = curve.name, curve.mean_bpp
        qualities = curve.mean_scaled_quality(measure.name)
    elif isinstance(curve, Mapping):
        rates, qualities = _columns(curve, role, measure.name)
        qualities = measure.to_scale(qualities)
    else:
        rates, qualities = _pair(curve, role)
    valid = len(rates) == len(qualities) and np.all(np.isfinite(rates) & np.isfinite(qualities))
    if not valid or not np.all(rates > 0):
        raise ValueError(
            f"Expected as many positive rates as finite qualities of '{name}'. "
            f"Received rates={rates} and qualities={qualities}."
        )
    qualities = measure.sign * qualities
    kept = not_dominated(rates, qualities)
    if len(kept) < LEAST_POINTS:
        raise ValueError(
            f"Bjøntegaard deltas need at least {LEAST_POINTS} points of rising rate and quality. "
            f"Received {len(kept)} of '{name}'"
            + (f", and {len(rates) - len(kept)} that others beat" if len(kept) < len(rates) else "")
            + "; measure more strengths."
        )
    if len(kept) < len(rates):
        warnings.warn(
            f"{len(rates) - len(kept)} of the {len(rates)} points of '{name}' cost more bits than "
            "another point without being better, and are left out.",
            stacklevel=4,
        )
    return _Points(name, np.log10(rates[kept]), qualities[kept])


def _pair(given: Any, role: str) -> tuple[np.ndarray, np.ndarray]:
    """Rates and qualities, of (rates, qualities) or of points (rate, quality)."""
    with contextlib.suppress(TypeError, ValueError):
        if len(given) == 2:
            rates, qualities = (np.asarray(values, "float64").ravel() for values in given)
            return rates, qualities
        points = np.asarray(given, "float64")
        if points.ndim == 2 and points.shape[1] == 2:
            return points[:, 0], points[:, 1]
    raise ValueError(
        "Expected an RDCurve, (rates, qualities), a list of points (rate, quality), or a dict such as "
        f"{{'bpp': […], 'psnr': […]}}. Received {' '.join(str(given).split())[:80]} as the {role}."
    )


def _columns(given: Mapping[str, Any], role: str, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Rates and qualities of a dict, by the metric's name or by what is short for it."""
    rate = next((name for name in RATES if name in given), None)
    quality = next((name for name in (metric, metric.removesuffix("-rgb")) if name in given), None)
    if rate is None or quality is None:
        raise ValueError(
            f"Expected a dict of rates, under one of {RATES}, and of '{metric}'. "
            f"Received {list(given)} as the {role}; say which metric with `metric`."
        )
    return np.asarray(given[rate], "float64").ravel(), np.asarray(given[quality], "float64").ravel()
