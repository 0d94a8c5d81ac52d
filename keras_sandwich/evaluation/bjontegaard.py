"""Bjøntegaard deltas: the mean distance of two rate-distortion curves, in percent of bits or in dB.

G. Bjøntegaard, "Calculation of average PSNR differences between RD-curves", VCEG-M33, 2001, fits one cubic polynomial
to each curve. Today the curves are interpolated piecewise (C. Herglotz et al., "The Bjøntegaard Bible", 2023).
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_sandwich.evaluation.curve import RDCurve
from keras_sandwich.evaluation.frontier import not_dominated

METHODS = ("akima", "pchip", "cubic")
LEAST_POINTS = 4


def bd_rate(
    reference: Any,
    curve: Any,
    metric: str = "psnr-rgb",
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
    half = ([0.125, 0.25, 0.5, 1.0], [25.0, 28.0, 31.0, 34.0])
    assert abs(ks.evaluation.bd_rate(reference, half) + 50.0) < 1e-6
    ```

    Args:
        reference: an `RDCurve`, or a pair (rates, qualities in dB).
        curve: what is compared with it.
        metric: which quality of an `RDCurve`; in dB, SSIM and MS-SSIM as −10·log10(1 − x).
        method: "akima" or "pchip" interpolate piecewise; "cubic" fits one cubic polynomial, as in 2001.
        rates: (low, high): only the qualities that the reference has between these rates.

    Returns:
        Percent.

    Raises:
        ValueError: fewer than four points, no quality that both curves reach, or `rates` that they do not cover.
    """
    return _delta(reference, curve, metric, method, rates, by_quality=True)


def bd_psnr(
    reference: Any,
    curve: Any,
    metric: str = "psnr-rgb",
    method: str = "akima",
    rates: tuple[float, float] | None = None,
) -> float:
    """How much better a curve is than a reference at equal rate, in dB; positive is better.

    The mean over the logarithms of the rates that both curves reach. Points that cost more bits than another without
    being better are left out, with a warning.

    Example:

    ```python
    import keras_sandwich as ks

    reference = ([0.25, 0.5, 1.0, 2.0], [25.0, 28.0, 31.0, 34.0])
    better = ([0.3, 0.6, 1.2, 2.4], [28.0, 31.0, 34.0, 37.0])
    assert 2.0 < ks.evaluation.bd_psnr(reference, better, rates=(0.5, 1.0)) < 3.0
    ```

    Args:
        reference: an `RDCurve`, or a pair (rates, qualities in dB).
        curve: what is compared with it.
        metric: which quality of an `RDCurve`; in dB, SSIM and MS-SSIM as −10·log10(1 − x).
        method: "akima" or "pchip" interpolate piecewise; "cubic" fits one cubic polynomial, as in 2001.
        rates: (low, high): only these rates.

    Returns:
        dB.

    Raises:
        ValueError: fewer than four points, no rate that both curves reach, or `rates` that they do not cover.
    """
    return _delta(reference, curve, metric, method, rates, by_quality=False)


@dataclass(frozen=True)
class _Points:
    """A curve's points of rising rate and quality."""

    name: str
    log_rates: np.ndarray
    qualities: np.ndarray


@dataclass(frozen=True)
class _Pieces:
    """Cubic polynomials, each in the distance from its left break; coefficients of rising power, [4, pieces]."""

    breaks: np.ndarray
    coefficients: np.ndarray

    def value(self, x: float) -> float:
        piece = int(np.clip(np.searchsorted(self.breaks, x, "right") - 1, 0, len(self.breaks) - 2))
        return float(np.polyval(self.coefficients[::-1, piece], x - self.breaks[piece]))

    def integral(self, low: float, high: float) -> float:
        ends = [
            np.clip(x, self.breaks[:-1], self.breaks[1:]) - self.breaks[:-1] for x in (low, high)
        ]
        powers = np.arange(1, 5)[:, None]
        parts = (ends[1] ** powers - ends[0] ** powers) / powers
        return float(np.sum(self.coefficients * parts))


def _delta(
    reference: Any,
    curve: Any,
    metric: str,
    method: str,
    rates: tuple[float, float] | None,
    by_quality: bool,
) -> float:
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {METHODS}. Received method={method!r}.")
    points = [_points(reference, "reference", metric), _points(curve, "curve", metric)]
    axes = [
        (p.qualities, p.log_rates) if by_quality else (p.log_rates, p.qualities) for p in points
    ]
    low = float(max(axis[0] for axis, _ in axes))
    high = float(min(axis[-1] for axis, _ in axes))
    what, unit = ("qualities", "dB") if by_quality else ("rates", "bits per pixel")

    def said(value: float) -> str:
        return f"{value if by_quality else 10.0**value:.4g}"

    if low >= high:
        ranges = " and ".join(
            f"'{p.name}' from {said(axis[0])} to {said(axis[-1])}"
            for p, (axis, _) in zip(points, axes, strict=True)
        )
        raise ValueError(
            f"The curves share no {what}, so nothing can be compared. "
            f"Received {ranges} {unit}; measure more strengths."
        )
    if rates is not None:
        asked = _range(rates)
        if by_quality:
            inside = points[0].log_rates[0] <= asked[0] and asked[1] <= points[0].log_rates[-1]
            along_rate = _interpolant(points[0].log_rates, points[0].qualities, method)
            asked = (along_rate.value(asked[0]), along_rate.value(asked[1])) if inside else asked
        else:
            inside = True
        if not (inside and low <= asked[0] and asked[1] <= high):
            raise ValueError(
                f"`rates` must lie where both curves were measured, on {what} from {said(low)} to "
                f"{said(high)} {unit}. Received rates={tuple(rates)}; measure more strengths."
            )
        low, high = asked
    integrals = [_interpolant(x, y, method).integral(low, high) for x, y in axes]
    mean = (integrals[1] - integrals[0]) / (high - low)
    return 100.0 * (10.0**mean - 1.0) if by_quality else mean


def _range(rates: tuple[float, float]) -> tuple[float, float]:
    given = np.asarray(rates)
    if given.shape != (2,) or not 0 < given[0] < given[1] < np.inf:
        raise ValueError(f"`rates` must be two rising positive bit rates. Received rates={rates}.")
    return float(np.log10(given[0])), float(np.log10(given[1]))


def _points(curve: Any, role: str, metric: str) -> _Points:
    if isinstance(curve, RDCurve):
        name, rates, qualities = curve.name, curve.mean_bpp, curve.decibels(metric).mean(axis=1)
    else:
        name = role
        rates, qualities = (np.asarray(values, "float64").ravel() for values in curve)
    valid = len(rates) == len(qualities) and np.all(np.isfinite(rates) & np.isfinite(qualities))
    if not valid or not np.all(rates > 0):
        raise ValueError(
            f"Expected as many positive rates as finite qualities of '{name}'. "
            f"Received rates={rates} and qualities={qualities}."
        )
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


def _interpolant(x: np.ndarray, y: np.ndarray, method: str) -> _Pieces:
    if method == "cubic":
        coefficients = np.polynomial.polynomial.polyfit(x - x[0], y, 3)
        return _Pieces(x[[0, -1]], coefficients[:, None])
    width, secant = np.diff(x), np.diff(y) / np.diff(x)
    slope = _akima_slopes(secant) if method == "akima" else _pchip_slopes(width, secant)
    square = (3.0 * secant - 2.0 * slope[:-1] - slope[1:]) / width
    cube = (slope[:-1] + slope[1:] - 2.0 * secant) / width**2
    return _Pieces(x, np.stack([y[:-1], slope[:-1], square, cube]))


def _akima_slopes(secant: np.ndarray) -> np.ndarray:
    """H. Akima, "A new method of interpolation and smooth curve fitting", 1970: two secants more at each end."""
    first = [2 * secant[0] - secant[1], 3 * secant[0] - 2 * secant[1]]
    last = [2 * secant[-1] - secant[-2], 3 * secant[-1] - 2 * secant[-2]]
    m = np.concatenate([first[::-1], secant, last])
    bend = np.abs(np.diff(m))
    before, after = bend[:-2], bend[2:]
    total = before + after
    slope = 0.5 * (m[3:] + m[:-3])
    bent = total > 1e-9 * np.max(total)
    mixed = before[bent] * m[2:-1][bent] + after[bent] * m[1:-2][bent]
    slope[bent] = mixed / total[bent]
    return np.asarray(slope)


def _pchip_slopes(width: np.ndarray, secant: np.ndarray) -> np.ndarray:
    """F. Fritsch and J. Butland, "A method for constructing local monotone piecewise cubic interpolants", 1984."""
    left, right = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
    same = secant[:-1] * secant[1:] > 0
    safe = np.where(same[None], np.stack([secant[:-1], secant[1:]]), 1.0)
    inner = np.where(same, (left + right) / (left / safe[0] + right / safe[1]), 0.0)
    ends = [
        _end_slope(width[0], width[1], secant[0], secant[1]),
        _end_slope(width[-1], width[-2], secant[-1], secant[-2]),
    ]
    return np.concatenate([ends[:1], inner, ends[1:]])


def _end_slope(width: float, next_width: float, secant: float, next_secant: float) -> float:
    """Three points' slope at the first of them, kept from turning the curve around."""
    slope = ((2 * width + next_width) * secant - width * next_secant) / (width + next_width)
    if np.sign(slope) != np.sign(secant):
        return 0.0
    if np.sign(secant) != np.sign(next_secant) and abs(slope) > 3 * abs(secant):
        return 3 * secant
    return slope
