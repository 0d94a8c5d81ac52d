"""Bjøntegaard deltas against the bjontegaard package and closed forms."""

import math

import numpy as np
import pytest

from keras_sandwich.evaluation import Measure, RDCurve, bd_psnr, bd_rate

RATES = np.array([0.2, 0.4, 0.8, 1.6, 3.2])
METHODS = ("akima", "pchip", "cubic")


def random_curve(rng) -> tuple[np.ndarray, np.ndarray]:
    """Rising, with steps that differ by far, in no order."""
    number = int(rng.integers(4, 12))
    rates, qualities = np.sort(rng.uniform(0.1, 3, number)), np.sort(rng.uniform(20, 45, number))
    rates[0], rates[-1], qualities[0], qualities[-1] = 0.09, 3.1, 19, 46  # they overlap
    order = rng.permutation(number)
    return rates[order], qualities[order]


@pytest.mark.parametrize("method", METHODS)
def test_values_are_those_of_the_bjontegaard_package(method):
    other = pytest.importorskip("bjontegaard")
    rng = np.random.default_rng(0)
    for _ in range(40):
        curves = random_curve(rng), random_curve(rng)
        flat = [values for curve in curves for values in np.sort(curve, axis=1)]
        options = {"method": method, "require_matching_points": False, "min_overlap": 0}
        for ours, theirs in ((bd_rate, other.bd_rate), (bd_psnr, other.bd_psnr)):
            assert ours(*curves, method=method) == pytest.approx(
                theirs(*flat, **options), rel=1e-6, abs=1e-6
            )


def test_straight_and_bent_pieces_as_the_package_does_them():
    other = pytest.importorskip("bjontegaard")
    straight = (RATES, 30 + 3 * np.log2(RATES))
    bent = (RATES * 1.1, [20.0, 29.0, 30.0, 30.01, 38.0])
    for method in METHODS:
        for ours, theirs in ((bd_rate, other.bd_rate), (bd_psnr, other.bd_psnr)):
            expected = theirs(*map(np.array, (*straight, *bent)), method=method, min_overlap=0)
            assert ours(straight, bent, method=method) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_equal_ratios_and_equal_distances(method):
    qualities = 30 + 10 * np.log10(RATES) - np.log10(RATES) ** 2
    assert bd_rate((RATES, qualities), (0.7 * RATES, qualities), method=method) == pytest.approx(
        -30
    )
    assert bd_psnr((RATES, qualities), (RATES, qualities + 1.25), method=method) == pytest.approx(
        1.25
    )
    assert bd_rate((RATES, qualities), (RATES, qualities), method=method) == pytest.approx(0)


def test_only_between_rates():
    def gain(rate):
        return np.log2(rate) ** 2  # of lines in the logarithm: a parabola, which all three hold

    reference = (RATES, 6 * np.log2(RATES))
    better = (RATES, 6 * np.log2(RATES) + gain(RATES))
    low, high = math.log2(0.5), math.log2(1.5)
    expected = (high**3 - low**3) / 3 / (high - low)
    value = bd_psnr(reference, better, method="cubic", rates=(0.5, 1.5))
    assert value == pytest.approx(expected)
    whole = bd_psnr(reference, better, method="cubic")
    assert whole == pytest.approx((math.log2(3.2) ** 3 - math.log2(0.2) ** 3) / 3 / 4)
    # Twice the bits above one bit per pixel, as many below it.
    kinked = (np.where(RATES > 1, 2 * RATES, RATES), reference[1])
    assert bd_rate(reference, kinked, method="pchip", rates=(0.2, 0.4)) == pytest.approx(0, abs=0.5)
    assert bd_rate(reference, kinked, method="pchip", rates=(1.6, 3.2)) == pytest.approx(
        100, abs=15
    )


def test_curves_are_compared_by_their_means_in_decibels():
    rng = np.random.default_rng(1)
    curves = []
    for name in ("one", "other"):
        rising = np.cumsum(rng.uniform(0.05, 0.1, (5, 3)), axis=0)
        quality = {"psnr-rgb": 20 + 20 * rising, "ms-ssim-rgb": 1 - 0.5 * 10**-rising}
        bpp = RATES[:, None] * rng.uniform(0.9, 1.1, (5, 3))
        curves.append(RDCurve(name, "codec", range(5), bpp, quality))
    pairs = [(c.bpp.mean(1), c.quality["psnr-rgb"].mean(1)) for c in curves]
    assert bd_rate(*curves) == bd_rate(*pairs)
    pairs = [
        (c.bpp.mean(1), (-10 * np.log10(1 - c.quality["ms-ssim-rgb"])).mean(1)) for c in curves
    ]
    assert bd_psnr(*curves, metric="ms-ssim-rgb") == pytest.approx(bd_psnr(*pairs), rel=1e-12)
    assert bd_psnr(curves[0], pairs[1], metric="ms-ssim-rgb") == pytest.approx(bd_psnr(*pairs))


def test_points_that_others_beat_are_left_out_with_a_warning():
    qualities = np.array([25.0, 28.0, 31.0, 34.0, 36.0])
    more = (np.append(RATES, [1.0, 5.0, 0.4]), np.append(qualities, [27.0, 36.0, 26.0]))
    other = (0.9 * RATES, qualities + 1)
    with pytest.warns(UserWarning, match="3 of the 8 points of 'curve' cost more bits"):
        value = bd_rate(other, more)
    assert value == bd_rate(other, (RATES, qualities))


def test_what_cannot_be_compared():
    qualities = np.array([25.0, 28.0, 31.0, 34.0, 36.0])
    good = (RATES, qualities)
    with pytest.raises(ValueError, match=r"share no rates.*'curve' from 4 to 64 bits per pixel"):
        bd_psnr(good, (20 * RATES, qualities))
    with pytest.raises(ValueError, match=r"share no qualities.*'reference' from 25 to 36"):
        bd_rate(good, (RATES, qualities + 11))
    with pytest.raises(ValueError, match=r"at least 4 points.*Received 3 of 'curve'; measure"):
        bd_rate(good, (RATES[:3], qualities[:3]))
    with pytest.raises(ValueError, match="Received 1 of 'curve', and 4 that others beat"):
        bd_rate(good, (RATES, qualities[::-1]))
    with pytest.raises(ValueError, match="`method` must be one of"):
        bd_rate(good, good, method="linear")
    for rates in ((0.1, 1.0), (1.0, 4.0)):
        for delta in (bd_rate, bd_psnr):
            with pytest.raises(ValueError, match="`rates` must lie where both"):
                delta(good, good, rates=rates)
    with pytest.raises(ValueError, match="Received 0 of 'curve'; measure"):
        bd_psnr(good, ([], []))
    for rates in ((1.0, 0.5), (0.5, 1.0, 2.0), 1.0):
        with pytest.raises(ValueError, match="two rising positive bit rates"):
            bd_psnr(good, good, rates=rates)
    for bad in (
        (RATES, qualities[:4]),
        (-RATES, qualities),
        (RATES, np.where(qualities > 30, np.nan, qualities)),
    ):
        with pytest.raises(
            ValueError, match="as many positive rates as finite qualities of 'curve'"
        ):
            bd_rate(good, bad)


@pytest.mark.parametrize("method", METHODS)
def test_where_lower_is_better_the_same_bits_and_the_opposite_difference(method):
    rng = np.random.default_rng(2)
    distance = Measure("distance", higher_is_better=False)
    for _ in range(5):
        higher = random_curve(rng), random_curve(rng)
        lower = [(rates, 100 - qualities) for rates, qualities in higher]
        rate, gain = bd_rate(*higher, method=method), bd_psnr(*higher, method=method)
        assert bd_rate(*lower, distance, method) == pytest.approx(rate, rel=1e-6)
        assert bd_psnr(*lower, distance, method) == pytest.approx(-gain, rel=1e-6)
        curves = [
            RDCurve(
                name,
                "c",
                range(len(r)),
                r[:, None],
                {"distance": q[:, None]},
                measures={"distance": distance},
            )
            for name, (r, q) in zip(("one", "other"), lower, strict=True)
        ]
        assert bd_rate(*curves, "distance", method) == pytest.approx(rate, rel=1e-6)
        assert bd_psnr(*curves, "distance", method) == pytest.approx(-gain, rel=1e-6)
    with pytest.raises(ValueError, match=r"'reference' from 0\.5 to 0\.1"):
        bd_rate((RATES, [0.5, 0.4, 0.3, 0.2, 0.1]), (RATES, [5, 4, 3, 2, 1]), distance)


def test_points_and_dicts_are_what_pairs_are():
    qualities = 30 + 10 * np.log10(RATES)
    pair, other = (RATES, qualities), (RATES * 1.2, qualities + 0.3)
    expected = bd_rate(pair, other)
    points = list(zip(RATES.tolist(), qualities.tolist(), strict=True))
    for same in (points, np.array(points), [list(point) for point in points]):
        assert bd_rate(same, other) == expected
    for rate in ("bpp", "rate", "bitrate"):
        for name in ("psnr", "psnr-rgb"):
            assert bd_rate({rate: RATES.tolist(), name: qualities.tolist()}, other) == expected
    similar = [1 - 10 ** (-q / 10) for q in (pair[1], other[1])]
    dicts = [{"bpp": r, "ms-ssim": s} for (r, _), s in zip((pair, other), similar, strict=True)]
    assert bd_rate(*dicts, metric="ms-ssim-rgb") == pytest.approx(expected, rel=1e-9)
    with pytest.raises(
        ValueError, match=r"of 'psnr-rgb'\. Received \['bpp', 'ms-ssim'\] as the ref"
    ):
        bd_rate(dicts[0], pair)
    for wrong in ([1.0, 2.0, 3.0], np.ones((5, 3)), 7, "psnr", [(1, 2), (1, 2, 3), (1, 2)]):
        with pytest.raises(ValueError, match=r"a list of points .* as the curve"):
            bd_rate(pair, wrong)
