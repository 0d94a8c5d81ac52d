"""Interpolants and their areas against SciPy's."""

import numpy as np
import pytest

from keras_sandwich.evaluation.piecewise_cubic import interpolate

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("method", "theirs"), [("akima", "Akima1DInterpolator"), ("pchip", "PchipInterpolator")]
)
def test_values_and_areas_are_scipy_s(method, theirs):
    scipy = pytest.importorskip("scipy.interpolate")
    for number in (4, 5, 9):
        x = np.sort(RNG.uniform(-1, 3, number))
        y = np.cumsum(RNG.uniform(0, 5, number) ** 2)
        ours, other = interpolate(x, y, method), getattr(scipy, theirs)(x, y)
        for at in np.linspace(x[0], x[-1], 50):
            assert ours.value(at) == pytest.approx(float(other(at)), rel=1e-9, abs=1e-9)
        low, high = np.sort(RNG.uniform(x[0], x[-1], 2))
        area = float(other.antiderivative()(high) - other.antiderivative()(low))
        assert ours.integral(low, high) == pytest.approx(area, rel=1e-9)


def test_the_cubic_is_the_polynomial_itself():
    x = np.array([0.3, 1.0, 1.7, 2.2, 4.0])
    polynomial = np.polynomial.Polynomial([1.0, -2.0, 0.5, 0.25])
    ours = interpolate(x, polynomial(x), "cubic")
    assert ours.value(3.1) == pytest.approx(polynomial(3.1))
    area = polynomial.integ()
    assert ours.integral(0.5, 3.0) == pytest.approx(area(3.0) - area(0.5))
