"""How sure a number is that was measured on a handful of pictures."""

import warnings
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from keras_sandwich._arguments import require_integers
from keras_sandwich.evaluation.curve import RDCurve, require_same_pictures

TOLERATED_FAILURES = 0.05


def require_level(level: float) -> None:
    """ValueError for what is no confidence."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"`level` must be between 0 and 1, such as 0.95. Received level={level}.")


def confidence_interval(
    statistic: Callable[..., Any],
    curves: RDCurve | Sequence[RDCurve],
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[Any, Any]:
    """A bootstrap interval of a statistic, over the pictures: what other pictures of the kind might have given.

    The pictures are drawn anew, with replacement, and the same ones for every curve, so that a difference of two curves
    is compared on equal pictures. Percentiles are widened as for Student's t, without which an interval of few pictures
    is too narrow (T. Hesterberg, "What teachers should know about the bootstrap", 2015).

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    easy = np.linspace(0, 9, 8)  # the pictures differ by far more than the systems do
    curves = [
        ks.evaluation.RDCurve(
            name,
            "JPEG",
            range(4),
            np.array([[2.0], [1.0], [0.5], [0.25]]) * np.ones(8),
            {"psnr-rgb": np.array([[36.0], [33.0], [30.0], [27.0]]) + gain + easy},
        )
        for name, gain in (("codec alone", 0.0), ("sandwich", 1.5))
    ]
    low, high = ks.evaluation.confidence_interval(ks.evaluation.bd_psnr, curves)
    assert np.allclose([low, high], 1.5)
    ```

    Args:
        statistic: a function of as many curves as are given, to a number or an array of numbers: `bd_psnr`,
            `lambda curve: curve.psnr_at(0.5)`, …
        curves: an `RDCurve`, or several of the same pictures.
        level: the confidence, between 0 and 1.
        resamples: how often pictures are drawn.
        seed: of the draws.

    Returns:
        (low, high), of what the statistic returns.

    Raises:
        ValueError: fewer than two pictures, curves of different pictures, a level or `resamples` out of its range, or a
            statistic that fails with a ValueError on more than one draw in twenty.
    """
    curves = [curves] if isinstance(curves, RDCurve) else list(curves)
    require_level(level)
    require_integers(resamples=resamples)
    require_same_pictures(curves)
    number = curves[0].bpp.shape[1]
    if number < 2:
        raise ValueError(
            "An interval needs the values of at least 2 pictures. "
            f"Received {number}; results of other tools often hold means alone."
        )
    rng = np.random.default_rng(seed)
    values, failures = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(resamples):
            drawn = rng.integers(number, size=number)
            try:
                values.append(statistic(*(curve.of_pictures(drawn) for curve in curves)))
            except ValueError as error:
                failures.append(error)
    if len(failures) > TOLERATED_FAILURES * resamples:
        raise ValueError(
            f"The statistic fails on {len(failures)} of {resamples} draws of the pictures, "
            f"first with: {failures[0]}"
        )
    if failures:
        warnings.warn(
            f"The interval leaves out {len(failures)} of {resamples} draws of the pictures: "
            f"{failures[0]}",
            stacklevel=2,
        )
    tail = _widened_tail(0.5 * (1.0 - level), number)
    low, high = np.quantile(np.asarray(values, "float64"), [tail, 1.0 - tail], axis=0)
    return (low, high) if np.ndim(low) else (float(low), float(high))


def _widened_tail(tail: float, number: int) -> float:
    """The percentile at which a bootstrap of `number` values ends where Student's t would."""
    # With x = √ν·tan θ the density of Student's t is that of cos(θ)^(ν − 1).
    freedom = number - 1
    angles = np.linspace(-np.pi / 2, np.pi / 2, 100_001)
    density = np.cos(angles) ** (freedom - 1)
    cumulated = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    angle = np.interp(tail, cumulated / cumulated[-1], angles)
    quantile = np.sqrt(freedom) * np.tan(angle)
    return NormalDist().cdf(float(quantile * np.sqrt(number / freedom)))
