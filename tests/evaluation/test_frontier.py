"""The frontier against a comparison of all pairs of points."""

import numpy as np
import pytest

from keras_sandwich.evaluation import Measure, RDCurve, pareto_frontier
from keras_sandwich.evaluation.frontier import upper_envelope

RNG = np.random.default_rng(0)


def random_curve(name, strengths=7, number=3, **known) -> RDCurve:
    bpp = RNG.uniform(0.1, 2, (strengths, number))
    noise = RNG.uniform(-4, 4, (strengths, number))
    quality = {"psnr-rgb": 30 + 5 * np.log2(bpp) + noise, "ssim-rgb": RNG.uniform(0, 1, bpp.shape)}
    return RDCurve(name, "JPEG", RNG.integers(1, 99, strengths), bpp, quality, **known)


@pytest.mark.parametrize("metric", ["psnr-rgb", "ssim-rgb"])
def test_points_are_those_that_no_other_beats(metric):
    curves = [random_curve(name, strengths=n) for name, n in (("a", 7), ("b", 5), ("c", 9))]
    frontier = pareto_frontier(curves, metric, name="best")
    points = [
        (curve, row, curve.bpp[row].mean(), curve.scaled_quality(metric)[row].mean())
        for curve in curves
        for row in range(len(curve.strengths))
    ]
    expected = [
        (curve, row)
        for curve, row, rate, quality in sorted(points, key=lambda point: -point[2])
        if not any(r <= rate and q >= quality and (r, q) != (rate, quality) for *_, r, q in points)
    ]
    assert 1 < len(expected) < len(points)
    assert frontier.name == "best"
    assert frontier.sources == [curve.name for curve, _ in expected]
    assert frontier.strengths == [curve.strengths[row] for curve, row in expected]
    np.testing.assert_array_equal(frontier.bpp, [curve.bpp[row] for curve, row in expected])
    for name in ("psnr-rgb", "ssim-rgb"):
        values = [curve.quality[name][row] for curve, row in expected]
        np.testing.assert_array_equal(frontier.quality[name], values)


def test_equal_points_are_kept_once():
    bpp, quality = [[1.0], [1.0], [2.0], [2.0]], {"psnr-rgb": [[30.0], [29.0], [30.0], [31.0]]}
    frontier = pareto_frontier([RDCurve("c", "JPEG", [1, 2, 3, 4], bpp, quality)] * 2)
    assert frontier.bpp.tolist() == [[2.0], [1.0]]
    assert frontier.psnr.tolist() == [[31.0], [30.0]]


def test_a_frontier_of_frontiers_keeps_the_sources():
    low, high = random_curve("low"), random_curve("high")
    once = pareto_frontier([low, high])
    twice = pareto_frontier([pareto_frontier([low]), pareto_frontier([high])])
    assert once.sources == twice.sources
    np.testing.assert_array_equal(once.bpp, twice.bpp)


def test_what_was_measured_is_said():
    known = {"pictures": ["p", "q", "r"], "sizes": [(1, 2)] * 3, "version": "1"}
    one = random_curve("one", settings={"codec": "JPEG"}, **known)
    same = random_curve("same", settings={"codec": "JPEG"}, **known)
    other = random_curve("other", settings={"codec": "WebP"}, **(known | {"version": "2"}))
    frontier = pareto_frontier([one, same])
    assert frontier.settings == {"codec": "JPEG"}
    assert (frontier.codec, frontier.version) == ("JPEG", "1")
    assert (frontier.pictures, frontier.sizes) == (["p", "q", "r"], [(1, 2)] * 3)
    frontier = pareto_frontier([one, other])
    assert frontier.settings == {"one": {"codec": "JPEG"}, "other": {"codec": "WebP"}}
    assert frontier.version == "1 / 2"


def test_metrics_that_not_all_hold_are_left_out():
    both = random_curve("both")
    one = RDCurve("one", "JPEG", both.strengths, both.bpp, {"psnr-rgb": both.psnr})
    assert set(pareto_frontier([both, one]).quality) == {"psnr-rgb"}
    with pytest.raises(ValueError, match="'one' holds"):
        pareto_frontier([both, one], metric="ssim-rgb")


def test_curves_of_other_pictures_and_no_curves():
    with pytest.raises(ValueError, match="same pictures"):
        pareto_frontier([random_curve("a"), random_curve("b", number=4)])
    with pytest.raises(ValueError, match="at least one curve"):
        pareto_frontier([])


def line(name, rates, slope, offset, bend=0.0) -> RDCurve:
    """Two pictures whose decibels are, on average, offset + slope·log2(rate), bent by a parabola."""
    mean = np.array(rates, "float64")
    bpp = mean[:, None] * [0.9, 1.1]
    psnr = (offset + slope * np.log2(mean) + bend * np.log2(mean) ** 2)[:, None] + [-2.0, 2.0]
    quality = {"psnr-rgb": psnr, "ssim-rgb": 1 - 10 ** (-psnr / 10)}
    return RDCurve(name, "JPEG", range(len(mean)), bpp, quality)


@pytest.mark.parametrize("metric", ["psnr-rgb", "ssim-rgb"])
def test_an_envelope_is_the_greatest_curve_at_every_rate(metric):
    rates = np.array([0.25, 0.5, 1.0, 2.0])
    low, high = line("low", rates, 3.0, 30.0), line("high", 1.3 * rates, 5.0, 29.0)
    frontier = pareto_frontier([low, high], metric)
    assert frontier.sources == ["high", "low", "high", "low", "low", "low"]
    envelope = upper_envelope([low, high], metric, name="best")
    # 30 + 3x = 29 + 5x where x is a half: at 1.41 bits per pixel, which is a point of its own.
    assert envelope.sources == ["high", "low", "low", "low", "low"]
    assert envelope.measured == [True, False, True, True, True]
    assert envelope.strength_at(2**0.5) == 2  # the nearest that was measured
    assert not upper_envelope([low]).measured
    np.testing.assert_allclose(envelope.mean_bpp, [2.6, 2**0.5, 1.0, 0.5, 0.25])
    np.testing.assert_allclose(envelope.scaled_quality(metric)[1], [29.5, 33.5])
    np.testing.assert_allclose(envelope.bpp[1], [0.9 * 2**0.5, 1.1 * 2**0.5])
    np.testing.assert_allclose(envelope.strengths[1], 2.5)


def test_an_envelope_of_many_curves():
    rates = np.geomspace(0.2, 3.0, 7)
    curves = [
        line("a", rates, 3.0, 30.0),
        line("b", 1.1 * rates, 5.0, 29.9, bend=-0.3),
        line("c", 0.9 * rates, 4.0, 30.1, bend=0.2),
        line("d", 1.05 * rates, 4.2, 29.8, bend=0.4),
    ]
    envelope = upper_envelope(curves)
    assert len(set(envelope.sources)) > 2
    for rate in np.geomspace(0.23, 2.6, 400):
        greatest = max(curve.psnr_at(rate) for curve in curves)
        assert envelope.psnr_at(rate) == pytest.approx(greatest, abs=1e-6)


def mirrored(curve) -> RDCurve:
    """The same curve, its PSNR as a distance: 100 − x, of which lower is better."""
    distance = Measure("distance", higher_is_better=False)
    quality = {"distance": 100.0 - curve.psnr}
    measures = {"distance": distance}
    return RDCurve(curve.name, "JPEG", curve.strengths, curve.bpp, quality, measures=measures)


@pytest.mark.parametrize("best", [pareto_frontier, upper_envelope])
def test_where_lower_is_better_the_lowest_are_kept(best):
    curves = [random_curve(name, strengths=n) for name, n in (("a", 7), ("b", 5), ("c", 9))]
    higher = best(curves)
    lower = best([mirrored(curve) for curve in curves], "distance")
    assert lower.sources == higher.sources
    assert not lower.measures["distance"].higher_is_better
    np.testing.assert_allclose(lower.bpp, higher.bpp, rtol=1e-9)
    np.testing.assert_allclose(lower.quality["distance"], 100.0 - higher.psnr, rtol=1e-9)
    assert len(set(lower.sources)) > 1


def test_curves_that_disagree_on_what_is_better():
    one = mirrored(random_curve("one"))
    other = RDCurve("other", "JPEG", one.strengths, one.bpp, one.quality)
    with pytest.raises(ValueError, match=r"agree on what 'distance' is.*'one': distance, lower is"):
        pareto_frontier([one, other], "distance")
