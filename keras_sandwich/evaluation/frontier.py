"""The best of several curves: one model for each γ, each swept over the codec's strengths."""

from collections.abc import Sequence
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


def not_dominated(rates: np.ndarray, qualities: np.ndarray) -> np.ndarray:
    """Indices, by rising rate, of the points that have no other of at most their rate and at least their quality."""
    order = np.lexsort((-qualities, rates))
    best = np.maximum.accumulate(qualities[order])
    better = np.concatenate([[True], qualities[order][1:] > best[:-1]])
    return np.asarray(order[better])
