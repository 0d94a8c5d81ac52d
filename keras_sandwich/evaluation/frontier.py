"""The best of several curves: one model for each γ, each swept over the codec's strengths."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from keras_sandwich.evaluation.curve import RDCurve, require_same_pictures


def pareto_frontier(
    curves: Sequence[RDCurve], metric: str = "psnr-rgb", name: str | None = None
) -> RDCurve:
    """The points of some curves that no other point beats in both rate and quality.

    Compared are means over pictures, of the metric in dB; each picture's own values come along, for every metric that
    all curves hold.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks


    def curve(name, bpp, psnr):
        bpp, psnr = np.array(bpp)[:, None], np.array(psnr)[:, None]
        return ks.evaluation.RDCurve(name, "JPEG", range(len(bpp)), bpp, {"psnr-rgb": psnr})


    low, high = curve("γ 800", [0.6, 0.3], [28, 26]), curve("γ 200", [1.2, 0.5], [33, 25])
    frontier = ks.evaluation.pareto_frontier([low, high], name="sandwich")
    assert frontier.mean_bpp.tolist() == [1.2, 0.6, 0.3]
    assert frontier.sources == ["γ 200", "γ 800", "γ 800"]
    ```

    Args:
        curves: results of `rd_curve` on the same pictures.
        metric: the quality that is compared.
        name: what to call the result; by default "Pareto frontier".

    Returns:
        An `RDCurve` of falling rates, whose `sources` say which curve each point is from.

    Raises:
        ValueError: no curves, curves of different pictures, or one without the metric.
    """
    curves = list(curves)
    if not curves:
        raise ValueError("Expected at least one curve. Received none.")
    require_same_pictures(curves)
    rates = np.concatenate([curve.mean_bpp for curve in curves])
    qualities = np.concatenate([curve.decibels(metric).mean(axis=1) for curve in curves])
    kept = not_dominated(rates, qualities)[::-1]
    held = [name for name in curves[0].quality if all(name in curve.quality for curve in curves)]

    def points(values: Sequence[Any]) -> list[Any]:
        together = [value for curve_values in values for value in curve_values]
        return [together[k] for k in kept]

    codecs = list(dict.fromkeys(curve.codec for curve in curves))
    versions = list(dict.fromkeys(curve.version for curve in curves))
    counted = list(dict.fromkeys(curve.bits_counted for curve in curves))
    same = all(dict(curve.settings) == dict(curves[0].settings) for curve in curves)
    first = next((curve for curve in curves if curve.pictures), curves[0])
    return RDCurve(
        name=name or "Pareto frontier",
        codec=" / ".join(codecs),
        strengths=points([curve.strengths for curve in curves]),
        bpp=np.array(points([curve.bpp for curve in curves])),
        quality={k: np.array(points([curve.quality[k] for curve in curves])) for k in held},
        version=" / ".join(versions),
        settings=curves[0].settings if same else {c.name: dict(c.settings) for c in curves},
        bits_counted=" / ".join(counted),
        pictures=first.pictures,
        sizes=first.sizes,
        sources=points([c.sources or [c.name] * len(c.strengths) for c in curves]),
        packages=curves[0].packages,
    )


def upper_envelope(
    curves: Sequence[RDCurve], metric: str = "psnr-rgb", name: str | None = None
) -> RDCurve:
    """The frontier without the points above which another curve passes between two of its own.

    Interpolated, a frontier of points alone lies below the better of two curves wherever they alternate: as a baseline
    it flatters what is compared with it, and in a plot it is a zigzag. Curves are taken as linear in the logarithm of
    the rate between their points.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks


    def curve(name, bpp, psnr):
        bpp, psnr = np.array(bpp)[:, None], np.array(psnr)[:, None]
        return ks.evaluation.RDCurve(name, "JPEG", range(len(bpp)), bpp, {"psnr-rgb": psnr})


    better, worse = curve("γ 800", [1.0, 0.25], [32, 26]), curve("γ 200", [1.5, 0.5], [31, 28])
    assert ks.evaluation.pareto_frontier([better, worse]).sources == ["γ 800", "γ 200", "γ 800"]
    assert ks.evaluation.upper_envelope([better, worse]).sources == ["γ 800", "γ 800"]
    ```

    Args:
        curves: results of `rd_curve` on the same pictures.
        metric: the quality that is compared.
        name: what to call the result; by default "Pareto frontier".

    Returns:
        An `RDCurve` of falling rates, whose `sources` say which curve each point is from.

    Raises:
        ValueError: as `pareto_frontier`.
    """
    monotone = [pareto_frontier([curve], metric, curve.name) for curve in curves]
    kept = []
    for curve in monotone:
        others = [other for other in monotone if other is not curve]
        rows = [
            row
            for row, (rate, quality) in enumerate(_means(curve, metric))
            if not any(_passes_above(other, metric, rate, quality) for other in others)
        ]
        if rows:
            kept.append(
                replace(
                    curve,
                    strengths=[curve.strengths[row] for row in rows],
                    bpp=curve.bpp[rows],
                    quality={key: values[rows] for key, values in curve.quality.items()},
                    sources=[curve.sources[row] for row in rows],
                )
            )
    return pareto_frontier(kept, metric, name)


def _means(curve: RDCurve, metric: str) -> list[tuple[float, float]]:
    """(rate, quality in dB) of each point, the means over pictures."""
    return list(zip(curve.mean_bpp, curve.decibels(metric).mean(axis=1), strict=True))


def _passes_above(curve: RDCurve, metric: str, rate: float, quality: float) -> bool:
    """Whether a curve of falling rates, linear in the logarithm of the rate, is above a point."""
    rates, qualities = (
        np.array(values)[::-1] for values in zip(*_means(curve, metric), strict=True)
    )
    if not rates[0] <= rate <= rates[-1]:
        return False
    return bool(np.interp(np.log(rate), np.log(rates), qualities) > quality)


def not_dominated(rates: np.ndarray, qualities: np.ndarray) -> np.ndarray:
    """Indices, by rising rate, of the points that have no other of at most their rate and at least their quality."""
    order = np.lexsort((-qualities, rates))
    best = np.maximum.accumulate(qualities[order])
    better = np.diff(best, prepend=-np.inf) > 0
    return np.asarray(order[better])
