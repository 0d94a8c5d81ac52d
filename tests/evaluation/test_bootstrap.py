"""Intervals against distributions whose mean is known, and against Student's t."""

import numpy as np
import pytest

from keras_sandwich.evaluation import RDCurve, bd_psnr, confidence_interval
from keras_sandwich.evaluation.bootstrap import _widened_tail


def curve_of(psnr, name="curve") -> RDCurve:
    """One strength, or as many as there are rows."""
    psnr = np.atleast_2d(psnr)
    rates = 2.0 ** np.arange(len(psnr))[:, None] * np.ones_like(psnr)
    return RDCurve(name, "none", range(len(psnr)), rates, {"psnr-rgb": psnr})


def mean(curve: RDCurve) -> float:
    return float(curve.mean_psnr[0])


@pytest.mark.parametrize("number", [6, 24])
def test_the_mean_lies_inside_as_often_as_is_said(number):
    rng = np.random.default_rng(number)
    trials, inside = 160, 0
    for trial in range(trials):
        curve = curve_of(rng.normal(30.0, 4.0, number))
        low, high = confidence_interval(mean, curve, level=0.9, resamples=160, seed=trial)
        inside += low <= 30.0 <= high
    assert 0.84 <= inside / trials <= 0.96  # 0.9 ± 2.5 standard deviations of such a count


def test_few_pictures_give_the_interval_of_student():
    psnr = np.random.default_rng(3).normal(30.0, 2.0, 12)
    low, high = confidence_interval(mean, curve_of(psnr), resamples=20_000)
    half = 2.2010 * psnr.std(ddof=1) / np.sqrt(12)  # t of 11 degrees of freedom at 97.5 %
    np.testing.assert_allclose([low, high], [psnr.mean() - half, psnr.mean() + half], atol=0.2)


@pytest.mark.parametrize(("number", "t"), [(3, 4.3027), (8, 2.3646), (31, 2.0423)])
def test_tails_are_student_s(number, t):
    from statistics import NormalDist

    z = -NormalDist().inv_cdf(_widened_tail(0.025, number))
    assert z / np.sqrt(number / (number - 1)) == pytest.approx(t, abs=1e-3)


def test_curves_are_drawn_together():
    rng = np.random.default_rng(0)
    base = 30 + 3 * np.arange(5.0)[:, None] + rng.normal(0, 5, 20)
    gains = rng.normal(0.5, 0.1, 20)
    curves = [curve_of(base, "reference"), curve_of(base + gains, "better")]
    low, high = confidence_interval(bd_psnr, curves, resamples=300)
    assert low < gains.mean() < high
    assert high - low < 0.15
    low, high = confidence_interval(mean, curves[0], resamples=300)
    assert high - low > 2  # each alone is far less sure


def test_draws_are_a_matter_of_the_seed():
    curve = curve_of(np.random.default_rng(0).normal(30, 3, 9))
    first, again, other = (
        confidence_interval(mean, curve, resamples=50, seed=k) for k in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_wider_with_more_confidence():
    curve = curve_of(np.random.default_rng(0).normal(30, 3, 9))
    narrow, wide = (confidence_interval(mean, curve, level=level) for level in (0.5, 0.99))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_a_statistic_of_several_numbers():
    psnr = np.random.default_rng(0).normal(30, 3, (4, 9))
    low, high = confidence_interval(lambda c: c.mean_psnr, curve_of(psnr), resamples=200)
    assert low.shape == high.shape == (4,)
    assert (low < psnr.mean(1)).all()
    assert (psnr.mean(1) < high).all()


def test_draws_on_which_the_statistic_fails():
    psnr = np.arange(10.0)

    def unless_above(limit):
        def statistic(curve):
            if curve.mean_psnr[0] > limit:
                raise ValueError("the curve does not reach it")
            return curve.mean_psnr[0]

        return statistic

    with pytest.warns(UserWarning, match=r"leaves out \d+ of 1000 draws.*does not reach"):
        _, high = confidence_interval(unless_above(6.3), curve_of(psnr))
    assert high <= 6.3
    with pytest.raises(ValueError, match=r"fails on \d+ of 1000 draws.*does not reach"):
        confidence_interval(unless_above(4.0), curve_of(psnr))


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"at least 2 pictures\. Received 1"):
        confidence_interval(mean, curve_of([30.0]))
    with pytest.raises(ValueError, match="same pictures"):
        confidence_interval(bd_psnr, [curve_of([1.0, 2.0]), curve_of([1.0, 2.0, 3.0])])
    for level in (0.0, 1.0, 95):
        with pytest.raises(ValueError, match="between 0 and 1"):
            confidence_interval(mean, curve_of([1.0, 2.0]), level=level)


@pytest.mark.parametrize("resamples", [0, -1, 2.5])
def test_no_draws_at_all(resamples):
    with pytest.raises(ValueError, match=r"`resamples` must be a positive integer. Received"):
        confidence_interval(mean, curve_of([1.0, 2.0]), resamples=resamples)
