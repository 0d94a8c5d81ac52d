"""Curves through points, piecewise cubic: what Bjøntegaard deltas integrate."""

from dataclasses import dataclass

import numpy as np

METHODS = ("akima", "pchip", "cubic")


@dataclass(frozen=True)
class Pieces:
    """Cubic polynomials, each in the distance from its left break; coefficients of rising power, [4, pieces]."""

    breaks: np.ndarray
    coefficients: np.ndarray

    def value(self, x: float) -> float:
        """The curve at x; beyond the breaks the outer polynomials go on."""
        piece = int(np.clip(np.searchsorted(self.breaks, x, "right") - 1, 0, len(self.breaks) - 2))
        return float(np.polyval(self.coefficients[::-1, piece], x - self.breaks[piece]))

    def integral(self, low: float, high: float) -> float:
        """The area below the curve, between two places within the breaks."""
        ends = [
            np.clip(x, self.breaks[:-1], self.breaks[1:]) - self.breaks[:-1] for x in (low, high)
        ]
        powers = np.arange(1, 5)[:, None]
        parts = (ends[1] ** powers - ends[0] ** powers) / powers
        return float(np.sum(self.coefficients * parts))


def interpolate(x: np.ndarray, y: np.ndarray, method: str) -> Pieces:
    """A curve through the points, x rising; of the method "cubic" the polynomial nearest to them."""
    if method == "cubic":
        coefficients = np.polynomial.polynomial.polyfit(x - x[0], y, 3)
        return Pieces(x[[0, -1]], coefficients[:, None])
    width, secant = np.diff(x), np.diff(y) / np.diff(x)
    slope = _akima_slopes(secant) if method == "akima" else _pchip_slopes(width, secant)
    square = (3.0 * secant - 2.0 * slope[:-1] - slope[1:]) / width
    cube = (slope[:-1] + slope[1:] - 2.0 * secant) / width**2
    return Pieces(x, np.stack([y[:-1], slope[:-1], square, cube]))


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
