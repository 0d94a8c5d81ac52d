"""The best of several curves: one model for each γ, each swept over the codec's strengths.

Qualities are compared on the scale of plots, with their sign turned where lower is better: larger is better here.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from keras_sandwich.evaluation.curve import RDCurve, require_same_pictures, shared_measure

ROUNDING = 1e-9  # share of a quality


def pareto_frontier(
    curves: Sequence[RDCurve], metric: str = "psnr-rgb", name: str | None = None
) -> RDCurve:
    """The points of some curves that no other point beats in both rate and quality.

    Compared are means over pictures, of SSIM and MS-SSIM in dB; each picture's own values come along, for every metric
    that all curves hold. Of a metric such as LPIPS lower is better.

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
        ValueError: no curves, curves of different pictures, one without the metric, or curves that disagree on its unit
            or direction.
    """
    curves = list(curves)
    if not curves:
        raise ValueError("Expected at least one curve. Received none.")
    require_same_pictures(curves)
    shared_measure(curves, metric)
    rates, qualities = (
        np.concatenate(values)
        for values in zip(*(_means(curve, metric) for curve in curves), strict=True)
    )
    kept = not_dominated(rates, qualities)[::-1]
    held = [name for name in curves[0].quality if all(name in curve.quality for curve in curves)]

    def points(values: Sequence[Any]) -> list[Any]:
        together = [value for curve_values in values for value in curve_values]
        return [together[k] for k in kept]

    measured = points([c.measured or [True] * len(c.strengths) for c in curves])
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
        measured=[] if all(measured) else measured,
        packages=curves[0].packages,
        measures=curves[0].measures,
    )


def upper_envelope(
    curves: Sequence[RDCurve], metric: str = "psnr-rgb", name: str | None = None
) -> RDCurve:
    """The best of some curves at every rate, linear in the logarithm of the rate between their points.

    Interpolated, a frontier of points alone lies below the better of two curves wherever they alternate, and above both
    where they cross. The envelope leaves out the points above which another curve passes (below, where lower is
    better), and has a point where two curves cross: interpolated, so its strength lies between two that were measured.
    At rates that not all curves reach it goes straight from the last point to the next, which may be above them:
    measure all over the same range.

    Which curve is best where depends on the metric, so each metric has an envelope of its own.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks


    def curve(name, bpp, psnr):
        bpp, psnr = np.array(bpp)[:, None], np.array(psnr)[:, None]
        return ks.evaluation.RDCurve(name, "JPEG", range(len(bpp)), bpp, {"psnr-rgb": psnr})


    low, high = curve("γ 800", [2.0, 0.25], [33, 27]), curve("γ 200", [2.0, 0.5], [36, 28])
    assert ks.evaluation.pareto_frontier([low, high]).sources == ["γ 200", "γ 200", "γ 800"]
    envelope = ks.evaluation.upper_envelope([low, high])
    assert envelope.sources == ["γ 200", "γ 800", "γ 800"]
    assert envelope.measured == [True, False, True]
    assert abs(envelope.psnr_at(0.5) - 29.0) < 1e-9  # as the first one's
    ```

    Args:
        curves: results of `rd_curve` on the same pictures.
        metric: the quality that is compared.
        name: what to call the result; by default "Pareto frontier".

    Returns:
        An `RDCurve` of falling rates, whose `sources` say which curve each point is from, and `measured` which are
        interpolated.

    Raises:
        ValueError: as `pareto_frontier`.
    """
    monotone = [pareto_frontier([curve], metric, curve.name) for curve in curves]
    pairs = itertools.combinations(monotone, 2)
    candidates = [*monotone, *(point for pair in pairs for point in _crossings(*pair, metric))]
    kept = []
    for curve in candidates:
        rows = [
            row
            for row, (rate, quality) in enumerate(zip(*_means(curve, metric), strict=True))
            if not any(_passes_above(other, metric, rate, quality) for other in monotone)
        ]
        if rows:
            kept.append(
                replace(
                    curve,
                    strengths=[curve.strengths[row] for row in rows],
                    bpp=curve.bpp[rows],
                    quality={key: values[rows] for key, values in curve.quality.items()},
                    sources=[curve.sources[row] for row in rows],
                    measured=[curve.measured[row] for row in rows] if curve.measured else [],
                )
            )
    return pareto_frontier(kept, metric, name)


def _crossings(one: RDCurve, other: RDCurve, metric: str) -> list[RDCurve]:
    """Where two curves of falling rates cross between their points: curves of one point, on the first."""
    rates = np.unique(np.concatenate([one.mean_bpp, other.mean_bpp]))
    rates = rates[_reaches(one, rates) & _reaches(other, rates)]
    lead = _quality_at(one, metric, rates) - _quality_at(other, metric, rates)
    changes = np.flatnonzero(lead[:-1] * lead[1:] < 0)
    shares = lead[changes] / (lead[changes] - lead[changes + 1])
    crossings = rates[changes] * (rates[changes + 1] / rates[changes]) ** shares
    return [_point_between(one, rate) for rate in crossings]


def _point_between(curve: RDCurve, rate: float) -> RDCurve:
    """The point of a curve of falling rates at a mean rate, each picture's values interpolated likewise."""
    rates = curve.mean_bpp
    row = int(np.clip(np.searchsorted(-rates, -rate), 1, len(rates) - 1))  # the next lower rate
    along = (rate - rates[row]) / (rates[row - 1] - rates[row])
    along_log = np.log(rate / rates[row]) / np.log(rates[row - 1] / rates[row])

    def between(values: np.ndarray, share: float) -> np.ndarray:
        return share * values[row - 1] + (1.0 - share) * values[row]

    quality = {}
    for key in curve.quality:
        scaled = between(curve.scaled_quality(key), along_log)
        quality[key] = curve.measures[key].from_scale(scaled)
    return replace(
        curve,
        strengths=[float(between(np.array(curve.strengths), along_log))],
        bpp=between(curve.bpp, along)[None],
        quality={key: values[None] for key, values in quality.items()},
        sources=[curve.sources[row]],
        measured=[False],
    )


def _means(curve: RDCurve, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """The rates and the qualities, larger for better, the means over pictures."""
    return curve.mean_bpp, curve.measures[metric].sign * curve.mean_scaled_quality(metric)


def _reaches(curve: RDCurve, rate: Any) -> Any:
    """Whether rates lie within a curve's."""
    return (curve.mean_bpp.min() <= rate) & (rate <= curve.mean_bpp.max())


def _quality_at(curve: RDCurve, metric: str, rate: Any) -> Any:
    """The quality of a curve of falling rates, linear in the logarithm of the rate."""
    rates, qualities = _means(curve, metric)
    return np.interp(np.log(rate), np.log(rates[::-1]), qualities[::-1])


def _passes_above(curve: RDCurve, metric: str, rate: float, quality: float) -> bool:
    return bool(
        _reaches(curve, rate)
        and _quality_at(curve, metric, rate) > quality + ROUNDING * max(abs(quality), 1e-3)
    )


def not_dominated(rates: np.ndarray, qualities: np.ndarray) -> np.ndarray:
    """Indices, by rising rate, of the points that have no other of at most their rate and at least their quality."""
    order = np.lexsort((-qualities, rates))
    best = np.maximum.accumulate(qualities[order])
    better = np.diff(best, prepend=-np.inf) > 0
    return np.asarray(order[better])
