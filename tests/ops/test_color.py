import float64_codec
import numpy as np
import pytest
from autodiff import run
from photographs import noise, photographs
from PIL import Image

import keras_sandwich as ks


def test_conversion_is_jfif_s():
    rgb = noise(2, 3, 5, 3)
    yuv = run(ks.ops.rgb_to_yuv, rgb)
    np.testing.assert_allclose(yuv, float64_codec.rgb_to_yuv(rgb), rtol=0, atol=1e-4)
    np.testing.assert_allclose(run(ks.ops.yuv_to_rgb, yuv), rgb, rtol=0, atol=3e-4)


def test_pillow_s_conversion_is_within_a_level():
    rgb = photographs(1, 24, 30)
    pillow = np.array(Image.fromarray(rgb[0]).convert("YCbCr"), "float32")
    assert np.abs(run(ks.ops.rgb_to_yuv, rgb)[0] - pillow).max() <= 1.0


@pytest.mark.parametrize("convert", [ks.ops.rgb_to_yuv, ks.ops.yuv_to_rgb])
def test_other_than_three_channels_are_refused(convert):
    with pytest.raises(ValueError, match=r"exactly 3 channels. Received shape \(1, 8, 8, 4\)"):
        convert(np.zeros((1, 8, 8, 4)))
