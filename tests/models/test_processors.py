import keras
import numpy as np
import pytest
from autodiff import BACKEND, gradient, run, to_numpy
from float64_codec import resample
from photographs import noise

import keras_sandwich as ks

BOTH = pytest.mark.parametrize("side", [ks.models.Preprocessor, ks.models.Postprocessor])


def processor(side, outputs, inputs, **options):
    """With random weights."""
    unet = ks.models.UNet(outputs, (3,), (4, 3), convolutions_per_block=1)
    made = side(outputs, unet, start="published", num_mlp_layers=1, **options)
    made.build((None, None, None, inputs))
    generator = np.random.default_rng(0)
    for weight in made.trainable_weights:
        weight.assign(generator.normal(0, 0.4, weight.shape))
    return made


def transform(made, x, k):
    """s·(MLP(x̂) + a·UNet(x̂)) + m; the networks have tests of their own."""
    m, s = 128.0 * 2**k, 255.0 * 2**k
    normal = ((x - m) / s).astype("float32")
    switched = to_numpy(made.unet_switch) * to_numpy(made.unet_scale)
    return s * (run(made.mlp, normal) + switched * run(made.unet, normal).astype("float64")) + m


@pytest.mark.parametrize("k", [0, 2])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_preprocessor(k, factor):
    made = processor(ks.models.Preprocessor, 2, 3, downsample_factor=factor, num_truncate_bits=k)
    x = noise(1, 13, 16, 3, high=255 * 2**k)
    expected = transform(made, x, k)
    for axis in (1, 2) if factor > 1 else ():
        expected = resample(expected, axis, x.shape[axis] // factor, "bicubic")
    result = run(made, x)
    if k:
        expected = np.floor(expected / 2**k)
        assert np.mean(result != expected) < 0.01  # but for a float32 sum at an integer
    else:
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=5e-3)


@pytest.mark.parametrize("k", [0, 2])
@pytest.mark.parametrize(("factor", "size"), [(1, None), (2, None), (2, (15, 19))])
def test_postprocessor_mirrors_it(k, factor, size):
    made = processor(ks.models.Postprocessor, 3, 2, downsample_factor=factor, num_truncate_bits=k)
    bottleneck = noise(1, 7, 9, 2)
    x = bottleneck.astype("float64") * 2**k + (2 ** (k - 1) if k else 0)
    for axis, new_size in zip((1, 2), size or (7 * factor, 9 * factor), strict=True):
        x = resample(x, axis, new_size, "lanczos3")
    expected = transform(made, x, k)
    result = run(lambda b: made(b, output_size=size), bottleneck)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=2e-2 * 2**k)


@BOTH
def test_in_a_cascade_the_network_is_given_what_the_linear_path_made(side):
    made = processor(side, 2, 3, cascade=True)
    x = noise(1, 12, 16, 3)
    normal = ((x - 128) / 255).astype("float32")
    linear = run(made.mlp, normal)
    network = run(made.unet, np.concatenate([normal, linear], axis=-1))
    scale = to_numpy(made.unet_scale)
    expected = 255 * (linear + scale * network.astype("float64")) + 128
    np.testing.assert_allclose(run(made, x), expected, rtol=1e-4, atol=1e-2)
    again = side.from_config(made.get_config())
    again.build((None, None, None, 3))
    again.set_weights(made.get_weights())
    np.testing.assert_allclose(run(again, x), run(made, x), rtol=1e-6, atol=1e-4)


@BOTH
def test_without_a_linear_path_there_is_no_cascade(side):
    made = side(3, ks.models.UNet(3, (3,), (4, 3)), num_mlp_layers=0, cascade=True)
    made.build((None, None, None, 3))
    assert made.unet.weights[0].shape[2] == 3


@BOTH
def test_a_switched_off_network_adds_nothing_and_learns_nothing(side):
    made = processor(side, 3, 3)
    x = noise(1, 8, 8, 3)
    linear = 255 * run(made.mlp, (x - 128) / 255) + 128
    assert np.abs(run(made, x) - linear).max() > 1
    made.unet_switch.assign(0.0)
    np.testing.assert_allclose(run(made, x), linear, rtol=1e-5, atol=1e-3)


@BOTH
def test_scales_of_the_network_at_the_start(side):
    def start(output="glorot_uniform", **options):
        unet = ks.models.UNet(3, (2,), (2, 2), output_initializer=output)
        made = side(3, unet, **options)
        made.build((None, None, None, 3))
        return made, float(to_numpy(made.unet_scale))

    made, scale = start(start="published")
    assert scale == 0.0
    assert any(weight is made.unet_scale for weight in made.trainable_weights)
    made, scale = start("zeros")
    assert scale == pytest.approx(0.1)
    # A network of random output adds nothing either: step 0 is the linear baseline.
    random, scale = start()
    assert scale == 0.0
    x = noise(1, 8, 8, 3)
    assert np.array_equal(run(random, x), run(made, x))
    made, scale = start(num_mlp_layers=0)
    assert scale == 1.0
    assert not any(weight is made.unet_scale for weight in made.trainable_weights)
    assert made.mlp is None
    x = noise(1, 8, 8, 3)
    expected = x + 255 * run(made.unet, (x - 128) / 255)
    np.testing.assert_allclose(run(made, x), expected, rtol=1e-5, atol=1e-3)


def test_truncation_passes_gradients():
    made = ks.models.Preprocessor(1, num_mlp_layers=0, num_truncate_bits=2)
    slope = gradient(made, noise(1, 4, 4, 1, high=1020))
    np.testing.assert_allclose(slope, 0.25, rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_only_the_network_loses_precision(policy):
    x = noise(1, 8, 8, 3)
    unet = ks.models.UNet(3, (2,), (2, 2), output_initializer="zeros", dtype=policy)
    made = ks.models.Preprocessor(3, unet, downsample_factor=2, dtype=policy)
    result = run(made, x)
    assert result.dtype == np.float32
    expected = resample(resample(x, 1, 4, "bicubic"), 2, 4, "bicubic")
    np.testing.assert_allclose(result, expected, rtol=0, atol=5e-3)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow has sizes that are tensors")
@BOTH
def test_unknown_sizes_give_the_same(side):
    import tensorflow as tf

    made = processor(side, 2, 2, downsample_factor=2)
    graph = tf.function(made, input_signature=[tf.TensorSpec([None, None, None, 2])])
    for size in ((9, 14), (16, 5)):
        x = noise(1, *size, 2)
        np.testing.assert_allclose(graph(x), run(made, x), rtol=1e-4, atol=2e-2)


@BOTH
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output_channels": 0}, "`output_channels` must be a positive integer"),
        ({"downsample_factor": 0}, "`downsample_factor` must be a positive integer"),
        ({"downsample_factor": 1.5}, "Received downsample_factor=1.5"),
        ({"num_truncate_bits": -1}, "`num_truncate_bits` must be an integer of at least 0"),
        ({"num_mlp_layers": -1}, "`num_mlp_layers` must be an integer of at least 0"),
        ({"start": "random"}, "`start` must be one of 'linear', 'published'"),
        ({"patch_size": -2}, "`patch_size` must be a positive integer"),
        ({"kernel_size": 2}, "`kernel_size` must be odd"),
    ],
)
def test_bad_arguments(side, options, message):
    with pytest.raises(ValueError, match=message):
        side(**{"output_channels": 3, **options})


@BOTH
def test_bad_shapes(side):
    with pytest.raises(
        ValueError, match=r"num_mlp_layers=0 the pixels pass as they are.*Received 3"
    ):
        side(1, num_mlp_layers=0).build((None, 8, 8, 3))
    with pytest.raises(ValueError, match=r"Expected images .* Received shape"):
        side(1).build((None, None, 3))
    with pytest.raises(ValueError, match="known number of channels"):
        side(1).build((None, 8, 8, None))
    with pytest.raises(ValueError, match=r"rank 4|Expected images"):
        side(3)(np.zeros((8, 8, 3), "float32"))


def test_a_unet_of_other_channels_is_refused():
    preprocessor = ks.models.Preprocessor(1, ks.models.UNet(3, (2,), (2, 2)))
    with pytest.raises(ValueError, match=r"added to 1 channels\. Received .*output_channels=3"):
        preprocessor.build((None, None, None, 3))


@pytest.mark.parametrize("name", ["patch_size", "kernel_size"])
def test_zero_is_not_taken_for_the_default(name):
    with pytest.raises(ValueError, match=rf"`{name}` must be a positive integer"):
        ks.models.Preprocessor(1, **{name: 0})


@BOTH
def test_symbolic_results_are_float32_under_a_mixed_policy(side):
    made = side(3, downsample_factor=2, dtype="mixed_bfloat16")
    result = made(keras.KerasTensor((None, 8, 12, 3)))
    sizes = (4, 6) if side is ks.models.Preprocessor else (16, 24)
    assert (result.dtype, result.shape) == ("float32", (None, *sizes, 3))
