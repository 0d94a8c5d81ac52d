import numpy as np
import pytest

from keras_sandwich.codecs import from_samples, to_samples


@pytest.mark.parametrize("bits", [8, 9, 10, 12, 16])
def test_every_sample_comes_back(bits):
    samples = np.arange(2**bits).reshape(1, -1, 1)
    bottleneck = from_samples(samples, bits)
    assert bottleneck.dtype == np.float32
    assert bottleneck.max() == 256 - 2.0 ** (8 - bits)
    again = to_samples(bottleneck, bits)
    assert again.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert np.array_equal(again, samples)


@pytest.mark.parametrize("bits", [8, 10])
def test_rounding_and_clipping(bits):
    top = 2**bits - 1
    values = np.random.default_rng(0).uniform(-40, 300, (3, 700, 600, 1)).astype("float32")
    before = values.copy()
    expected = np.clip(np.round(values.astype("float64") * 2 ** (bits - 8)), 0, top)
    assert np.array_equal(to_samples(values, bits), expected)
    assert np.array_equal(to_samples(values[:, ::2, ::3], bits), expected[:, ::2, ::3])
    assert np.array_equal(values, before)
    assert to_samples([0.5, 1.5, 2.5]).tolist() == [0, 2, 2]


@pytest.mark.parametrize("bits", [7, 17, 8.0, True, None])
def test_bits_that_no_codec_has(bits):
    for function in (to_samples, from_samples):
        with pytest.raises(ValueError, match=rf"from 8 to 16\. Received bits={bits}"):
            function(np.zeros(3), bits)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite(bad):
    with pytest.raises(ValueError, match=r"must be finite\. Received NaN or infinite"):
        to_samples(np.array([1.0, bad]))
