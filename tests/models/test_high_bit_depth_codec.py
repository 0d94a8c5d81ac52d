"""Pictures of more than 8 bits over JPEG, at its finest step: the ceiling, and what lies above."""

import numpy as np
import pytest
from autodiff import to_numpy

import keras_sandwich as ks
from keras_sandwich.ops.color import RGB_TO_YUV

LINEAR = {"use_unet_preprocessor": False, "use_unet_postprocessor": False}


def deep_picture(bits=16, seed=0):
    """A photograph at half its size: the averages of four pixels have levels between those of 8 bits."""
    photograph = ks.datasets.sample_images("test")[seed, :192, :256].astype("float64")
    halves = photograph.reshape(96, 2, 128, 2, 3).mean(axis=(1, 3))
    return np.rint(halves * 2 ** (bits - 8)).astype("float32")


def psnr(target, restored, bits=16):
    peak = 255.0 * 2 ** (bits - 8)
    error = np.rint(np.clip(restored, 0, peak)) - target
    return 10 * np.log10(peak**2 / np.mean(np.square(error, dtype="float64")))


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_it_starts_beyond_the_ceiling_of_truncation(bits):
    picture = deep_picture(bits)
    truncated = np.clip(np.rint(picture / 2 ** (bits - 8)), 0, 255).astype("uint8")
    finest = ks.codecs.JPEG(qstep=1)
    ceiling = psnr(picture, finest.decode(finest.encode(truncated)) * 2.0 ** (bits - 8), bits)
    model = ks.models.create_high_bit_depth_codec_model(bits, **LINEAR)
    codec = ks.codecs.JPEG(qstep=1, color_transform=False)
    restored = ks.transport(model, picture[None], codec)["prediction"][0]
    assert psnr(picture, restored, bits) > ceiling + 2.5


def test_the_linear_path_is_luma_and_chroma_with_a_gain():
    picture = deep_picture()[None]
    model = ks.models.create_high_bit_depth_codec_model(chroma_gain=1.25, **LINEAR)
    planes = picture / 256 @ RGB_TO_YUV.T * np.array([1, 1.25, 1.25]) + np.array([0, 128, 128])
    np.testing.assert_allclose(
        to_numpy(model.preprocess(picture, 4.0)), np.floor(planes), atol=1.001
    )
    assert np.abs(to_numpy(model.preprocess(picture, 4.0)) - planes + 0.5).mean() < 0.3


def test_what_it_is_made_of():
    model = ks.models.create_high_bit_depth_codec_model(
        12, (2, 8), encoder_filters=(4,), decoder_filters=(4, 4)
    )
    assert model.num_truncate_bits == 4
    assert model.qstep_range == (2, 8)
    assert float(to_numpy(model.gamma)) == 0.5 * 16 * 4**4
    assert not model.codec_proxy.proxy.convert_to_yuv


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"bits": 8}, "from 9 to 16"),
        ({"bits": 17}, "from 9 to 16"),
        ({"chroma_subsampling": "4:2:0"}, "no chroma"),
    ],
)
def test_bad_arguments_are_refused(changed, words):
    with pytest.raises(ValueError, match=words):
        ks.models.create_high_bit_depth_codec_model(**changed)
