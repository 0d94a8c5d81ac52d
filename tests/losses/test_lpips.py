"""LPIPS against float64 NumPy, with small random weights under the names of the authors' network."""

import keras
import numpy as np
import pytest
from autodiff import differentiate, run, to_numpy
from float64_lpips import float64_lpips, random_weights
from photographs import noise, photographs

import keras_sandwich as ks

ARRAYS = random_weights()


@pytest.fixture
def file(tmp_path):
    np.savez(tmp_path / "lpips.npz", **ARRAYS)
    return str(tmp_path / "lpips.npz")


def pair(number=2, height=43, width=50):
    target = photographs(number, height, width).astype("float32")
    return target, np.clip(0.9 * target + noise(*target.shape, low=-20, high=20), 0, 255)


def test_values_are_those_of_float64(file):
    target, prediction = pair()
    truth = float64_lpips(target, prediction, ARRAYS)
    assert truth.min() > 0.01
    value = run(ks.losses.LPIPS(file, scale=1.0).call, target, prediction)
    np.testing.assert_allclose(value, truth, rtol=1e-4)
    # A gray picture's channel stands for all three.
    gray = run(ks.losses.LPIPS(file, scale=1.0).call, target[..., :1], prediction[..., :1])
    thrice = (np.repeat(x[..., :1], 3, axis=-1) for x in (target, prediction))
    np.testing.assert_allclose(gray, float64_lpips(*thrice, ARRAYS), rtol=1e-4)


def test_gradients_are_those_of_finite_differences(file):
    target, prediction = pair(1, 35, 39)
    loss = ks.losses.LPIPS(file, scale=1.0)
    _, (slope,), _ = differentiate(lambda p: (loss(target, p), ()), [prediction])
    steps = 1e-4 * np.sign(slope.astype("float64"))  # small: maxima and ReLUs have kinks
    ahead, behind = (
        float64_lpips(target, prediction + step, ARRAYS)[0] for step in (steps, -steps)
    )
    assert np.abs(slope).sum() == pytest.approx((ahead - behind) / 2e-4, rel=1e-4)


def test_the_default_scale_grows_with_the_squared_error_of_deeper_pictures(file):
    target, prediction = pair(1, 31, 31)
    deep = run(ks.losses.LPIPS(file, image_max=1020.0).call, 4 * target, 4 * prediction)
    truth = float64_lpips(target, prediction, ARRAYS)
    np.testing.assert_allclose(deep, 16 * 550 * truth, rtol=1e-3)


def test_gradient_is_finite_where_nothing_is_active(tmp_path):
    silent = {k: v - 100 if k.endswith("bias") else v for k, v in ARRAYS.items()}
    np.savez(tmp_path / "silent.npz", **silent)
    loss = ks.losses.LPIPS(tmp_path / "silent.npz")
    target, prediction = pair(1, 31, 31)
    _, (slope,), _ = differentiate(lambda p: (loss(target, p), ()), [prediction])
    np.testing.assert_array_equal(slope, 0)


def test_trained_with_saved_and_loaded(tmp_path, file):
    """Under mixed precision; the weights stay as they are, and are not saved."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    target, prediction = pair(1, 31, 31)
    model = keras.Sequential([keras.Input((31, 31, 3)), keras.layers.Conv2D(3, 1)])
    model.layers[0].kernel.assign(np.eye(3)[None, None])
    loss = ks.losses.LPIPS(file, scale=5.0)
    model.compile(keras.optimizers.Adam(0.01), loss=loss, jit_compile=False)
    seen = to_numpy(keras.ops.cast(model(prediction), "float32"))
    before, after = model.fit(prediction, target, epochs=2, verbose=0).history["loss"]
    assert before == pytest.approx(5 * float64_lpips(target, seen, ARRAYS).mean(), rel=1e-3)
    assert after < before
    model.save(tmp_path / "m.keras")
    assert (tmp_path / "m.keras").stat().st_size < 50_000
    again = keras.saving.load_model(tmp_path / "m.keras").loss
    assert (again.weights, again.scale) == (file, 5.0)
    value = run(again.call, target, seen)
    np.testing.assert_allclose(value, 5 * float64_lpips(target, seen, ARRAYS), rtol=1e-4)
    (tmp_path / "lpips.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"there is none at .*lpips\.npz.*compile=False"):
        keras.saving.load_model(tmp_path / "m.keras")
    keras.saving.load_model(tmp_path / "m.keras", compile=False)


@pytest.mark.once
def test_files_that_are_not_the_network_s(tmp_path):
    head = "NetLinLayer_2/Conv_0/kernel"
    for change, message in (
        ({head: None}, rf"holds no {head}\. Received \['AlexNet_0"),
        ({head: np.zeros((1, 1, 5, 1))}, rf"{head} must have the shape \(1, 1, 6, 1\)\. Received"),
    ):
        arrays = {name: array for name, array in {**ARRAYS, **change}.items() if array is not None}
        np.savez(tmp_path / "bad.npz", **arrays)
        with pytest.raises(ValueError, match=message):
            ks.losses.LPIPS(tmp_path / "bad.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    whole = (tmp_path / "bad.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.npz").write_text("no archive")
    for name in ("array.npy", "cut.npz", "text.npz"):
        with pytest.raises(ValueError, match=rf"an \.npz file\. '.*{name}' is none"):
            ks.losses.LPIPS(tmp_path / name)


@pytest.mark.once
def test_bad_arguments_and_pictures(file):
    with pytest.raises(ValueError, match=r"`network` must be one of 'alexnet'"):
        ks.losses.LPIPS(file, network="vgg")
    with pytest.raises(ValueError, match=r"`image_max` must be positive"):
        ks.losses.LPIPS(file, image_max=0)
    loss = ks.losses.LPIPS(file)
    with pytest.raises(ValueError, match=r"at least 31×31 pixels\. Received 30×40"):
        loss(*pair(1, 30, 40))
    with pytest.raises(ValueError, match=r"1 or 3 channels\. Received shape \(1, 40, 40, 2\)"):
        loss(*(x[..., :2] for x in pair(1, 40, 40)))
