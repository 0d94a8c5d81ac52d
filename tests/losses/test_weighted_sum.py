"""Sums of distortions: each by its weight, one number for each sample, saved and loaded."""

import keras
import numpy as np
import pytest
from autodiff import run, to_numpy
from float64_similarity import float64_similarity
from photographs import noise, photographs

import keras_sandwich as ks

TARGET = photographs(2, 12, 14).astype("float32")
PREDICTION = np.clip(0.9 * TARGET + noise(*TARGET.shape, low=-20, high=20), 0, 255)
DIFFERENCE = (TARGET - PREDICTION).astype("float64")
SQUARED, ABSOLUTE = (np.mean(x, axis=(1, 2, 3)) for x in (DIFFERENCE**2, np.abs(DIFFERENCE)))


def test_each_loss_has_its_weight():
    losses = [
        "mse",
        keras.losses.MeanAbsoluteError(reduction="sum"),
        ks.losses.StructuralSimilarity(),
    ]
    loss = ks.losses.WeightedSum(losses, [0.5, 2, 0.1])
    structure = 480 * (1 - float64_similarity(TARGET, PREDICTION)[0].mean(-1))
    expected = 0.5 * SQUARED + 2 * ABSOLUTE + 0.1 * structure
    np.testing.assert_allclose(run(loss.call, TARGET, PREDICTION), expected, rtol=1e-4)
    weighted = float(to_numpy(loss(TARGET, PREDICTION, sample_weight=np.float32([3, 1]))))
    assert weighted == pytest.approx((expected * [3, 1]).mean(), rel=1e-4)
    own = ks.losses.distortion_per_sample(loss, TARGET, PREDICTION)
    np.testing.assert_allclose(to_numpy(own), expected, rtol=1e-4)


def test_saved_and_loaded(tmp_path):
    model = keras.Sequential([keras.Input((12, 14, 3)), keras.layers.Conv2D(3, 1)])
    losses = [keras.losses.mean_squared_error, "mae", ks.losses.StructuralSimilarity(scale=5.0)]
    model.compile("sgd", loss=ks.losses.WeightedSum(losses, [1, 2, 3]))
    before = model.evaluate(TARGET, TARGET, verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    assert again.evaluate(TARGET, TARGET, verbose=0) == pytest.approx(before, rel=1e-5)
    assert again.loss.weights == [1.0, 2.0, 3.0]
    assert again.loss.losses[2].scale == 5.0


@pytest.mark.parametrize(
    ("losses", "weights", "message"),
    [
        ([], [], "of one or more losses, with a weight for each"),
        (["mse"], [1, 2], "of one or more losses, with a weight for each"),
        ("mse", [1, 2, 3], "of one or more losses, with a weight for each"),
        (["mse"], [-1], "`weights` must be finite and not negative"),
        (["no such loss"], [1], "no such loss"),
    ],
)
@pytest.mark.once
def test_bad_arguments(losses, weights, message):
    with pytest.raises(ValueError, match=message):
        ks.losses.WeightedSum(losses, weights)
