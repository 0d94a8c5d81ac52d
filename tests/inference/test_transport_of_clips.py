"""Clips through real video codecs, against the codec by hand."""

import numpy as np
import pytest
from autodiff import to_numpy
from clips import moving_clip
from small_models import sandwich

import keras_sandwich as ks
from keras_sandwich.codecs import JPEG, X264, X265

CLIP = moving_clip(3, frames=3, height=34, width=48)
pytestmark = pytest.mark.once


def assert_sent(outputs, clip, model, codec, decoded_key, number=0):
    bits = codec.bits
    scale = 2.0 ** (bits - 8)
    bottleneck = to_numpy(model.preprocess(clip)).astype("float64") * scale
    sent = outputs["bottleneck"][number]
    assert sent.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert np.mean(sent != np.clip(np.round(bottleneck), 0, 2**bits - 1)) < 5e-3 * scale
    file = codec.encode(sent)
    assert outputs["rate"][number] == codec.count_bits(file) < 8 * len(file)
    assert outputs["file_bits"][number] == 8 * len(file)
    decoded = codec.decode(file)
    assert np.array_equal(outputs[decoded_key][number], decoded)
    shown = to_numpy(model.postprocess((decoded / scale).astype("float32"), clip.shape[1:3]))
    np.testing.assert_allclose(outputs["prediction"][number], shown, atol=2e-3)


@pytest.mark.parametrize("codec", [X264(qp=20, gop="ippp"), X265(qp=20, bits=10)])
def test_a_clip_is_one_file(codec):
    pictures = sandwich(networks=True)
    model = ks.models.CompressVideoModel.from_image_model(pictures)
    outputs = ks.transport(model, CLIP[None], codec)
    assert_sent(outputs, CLIP, model, codec, "recons_bottleneck")
    assert outputs["image"].shape == (1, *CLIP.shape)
    assert outputs["codec"] == codec.name
    # Nothing of a sandwich for pictures keeps its frames from a video codec.
    same = ks.transport(pictures, CLIP[None], codec)
    assert np.array_equal(same["compressed_bottleneck"], outputs["recons_bottleneck"])
    np.testing.assert_allclose(same["prediction"], outputs["prediction"], atol=1e-4)


def test_clips_of_any_size_and_a_smaller_bottleneck():
    model = ks.models.CompressVideoModel.from_image_model(
        sandwich(bottleneck_channels=3, downsample_factor=2)
    )
    codec, clips = X264(qp=12, gop="low_delay"), [CLIP, CLIP[:2, :21, :39]]
    outputs = ks.transport(model, clips, codec)
    for number, clip in enumerate(clips):
        assert_sent(outputs, clip, model, codec, "recons_bottleneck", number)
    assert outputs["prediction"][1].shape == (2, 21, 39, 3)
    with pytest.raises(ValueError, match=r"images \[batch, frames, height, width, channels\]"):
        ks.transport(model, CLIP, codec)


def test_an_image_codec_makes_a_file_of_each_frame():
    model = ks.models.CompressVideoModel.from_image_model(sandwich())
    outputs = ks.transport(model, CLIP[None], JPEG(qstep=9))
    files = [JPEG(qstep=9).encode(frame) for frame in outputs["bottleneck"][0]]
    assert outputs["rate"].tolist() == [8 * sum(map(len, files))]
