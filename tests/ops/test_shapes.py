import keras
import numpy as np
import pytest
from autodiff import BACKEND, run
from keras import ops
from photographs import noise

import keras_sandwich as ks
from keras_sandwich.ops.shapes import ceil_multiple, mirrored_indices, require_images


@pytest.mark.parametrize(("repeat_edge", "mode"), [(True, "symmetric"), (False, "reflect")])
def test_mirrors_are_numpy_s(repeat_edge, mode):
    for size in (1, 2, 3, 7):
        for padded in (size, size + 1, size + 5, 16):
            expected = np.pad(np.arange(size), (0, padded - size), mode=mode)
            assert mirrored_indices(size, padded, repeat_edge).tolist() == expected.tolist()


def test_ceil_multiple():
    assert [ceil_multiple(n, 8) for n in (1, 8, 9, 16)] == [8, 8, 16, 16]


def test_images_are_cast_to_float32_under_any_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    images = require_images(np.full((1, 2, 2, 1), 251, "uint8"))
    assert keras.backend.standardize_dtype(images.dtype) == "float32"
    # 251.3 has no bfloat16: nothing was lost on the way.
    exact = noise(1, 17, 33, 3, low=250, high=252)
    for function in (ks.ops.rgb_to_yuv, lambda x: ks.ops.pad_to_multiple(x, 8)):
        keras.config.set_dtype_policy("mixed_bfloat16")
        mixed = run(function, exact)
        keras.config.set_dtype_policy("float32")
        assert mixed.dtype == np.float32
        assert np.array_equal(mixed, run(function, exact))


def moved_by_blocks(x):
    """A frame found in its own mirror image, block by block, or in its average."""
    mirrored = x[:, :, ::-1]
    vectors = ks.ops.match_blocks(x, mirrored, 8, 2, rate_weight=9.0)
    moved = ks.ops.warp(mirrored, ks.ops.vectors_to_flow(vectors, ops.shape(x)[1:3], 8))
    prediction, _ = ks.ops.choose_prediction(x, moved, 0.0 * x + 128.0)
    return prediction + ks.ops.motion_bits(vectors)[:, None, None, None]


def reduced_flow(x):
    _, height, width, _ = ops.shape(x)
    return ks.ops.resize_flow(x[..., :2], ((height + 1) // 2, (width + 1) // 2))


CHAIN = {
    "pad": lambda x: ks.ops.pad_to_multiple(x, 8),
    "yuv": ks.ops.rgb_to_yuv,
    "dct": lambda x: ks.ops.dct(ks.ops.image_to_blocks(ks.ops.pad_to_multiple(x, 8))),
    "chroma": lambda x: ks.ops.downsample_chroma(ks.ops.pad_to_multiple(x, 2), "4:2:0"),
    "bicubic": lambda x: ks.ops.resize(x, (8, 16), "bicubic"),
    "clip": lambda x: ks.ops.clip(x, 20.0, 200.0),
    "warp": lambda x: ks.ops.warp(x, x[..., :2] / 32 - 3),
    "flow": reduced_flow,
    "motion": moved_by_blocks,
    "patches": lambda x: ks.ops.space_to_depth(ks.ops.pad_to_multiple(x, 3), 3),
}


@pytest.mark.skipif(BACKEND == "torch", reason="the layers' tests compile these ops in one graph")
@pytest.mark.parametrize(
    "name", [name for name in CHAIN if name != "motion"]
)  # the layers compile it
def test_compiled_ops_and_their_gradients_are_the_same(name):
    from autodiff import gradient

    images = noise(2, 17, 33, 3)
    function = CHAIN[name]
    np.testing.assert_allclose(
        run(function, images, compile=True), run(function, images), rtol=1e-5, atol=2e-4
    )
    weighted = lambda x: function(x) ** 2 / 100  # noqa: E731
    np.testing.assert_allclose(
        gradient(weighted, images, compile=True), gradient(weighted, images), rtol=1e-5, atol=1e-3
    )


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow has sizes that are tensors")
@pytest.mark.parametrize("name", [name for name in CHAIN if name != "bicubic"])
def test_unknown_sizes_give_the_same(name):
    import tensorflow as tf

    function = tf.function(CHAIN[name], input_signature=[tf.TensorSpec([None, None, None, 3])])
    for size in ((1, 1), (17, 33)):
        images = noise(2, *size, 3)
        np.testing.assert_allclose(
            function(images), run(CHAIN[name], images), rtol=1e-5, atol=2e-4, err_msg=str(size)
        )
