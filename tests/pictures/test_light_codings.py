"""Against values that the standards and their authors publish."""

import numpy as np
import pytest

import keras_sandwich as ks

# ITU-R BT.2408, table 1 and 3: cd/m², and what the perceptual quantizer makes of it in percent.
PQ = [
    (0, 0),
    (1, 15.0),
    (10, 30.0),
    (26, 38.0),
    (100, 50.8),
    (203, 58.1),
    (1000, 75.2),
    (4000, 90.2),
    (10000, 100),
]


@pytest.mark.parametrize(("light", "percent"), PQ)
def test_pq(light, percent):
    assert float(ks.pictures.encode_pq(light)) * 100 == pytest.approx(percent, abs=0.06)


def test_pq_comes_back():
    light = np.concatenate([[0], np.geomspace(1e-4, 10000, 200)])
    np.testing.assert_allclose(
        ks.pictures.decode_pq(ks.pictures.encode_pq(light)), light, rtol=1e-6, atol=1e-9
    )
    assert ks.pictures.encode_pq(20000) == 1
    assert ks.pictures.decode_pq(-0.5) == 0


def test_pu21_ends_where_its_authors_say_and_is_256_at_white():
    assert float(ks.pictures.encode_pu21(0.005)) == pytest.approx(0, abs=1e-6)
    assert float(ks.pictures.encode_pu21(10000)) == pytest.approx(595.3939, abs=1e-3)
    assert float(ks.pictures.encode_pu21(100)) == pytest.approx(256, abs=0.7)


def test_pu21_psnr():
    light = np.geomspace(0.1, 2000, 300).reshape(10, 10, 3)
    restored = light * 1.02
    error = ks.pictures.encode_pu21(light) - ks.pictures.encode_pu21(restored)
    expected = 10 * np.log10(256**2 / np.mean(error**2))
    assert ks.evaluation.pu21_psnr(light, restored) == pytest.approx(expected)
    with pytest.raises(ValueError, match="Light is not negative"):
        ks.evaluation.pu21_psnr(light, -restored)
    with pytest.raises(ValueError, match="one shape"):
        ks.evaluation.pu21_psnr(light, restored[:2])
