"""Rates and qualities against files that the test writes itself, in float64."""

import io
import math
import sys

import numpy as np
import pytest
from keras import ops
from photographs import photographs
from PIL import Image

import keras_sandwich as ks
from keras_sandwich.evaluation import CodecAlone, classical_chain, rd_curve

JPEG_420 = ks.codecs.JPEG(qstep=1, chroma_subsampling="4:2:0")


def file_of(pixels: np.ndarray, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", optimize=True, **options)
    return buffer.getvalue()


def decibels(reference, picture, peak=255.0) -> float:
    error = np.asarray(reference, "float64") - np.asarray(picture, "float64")
    return 20 * math.log10(peak) - 10 * math.log10(np.mean(error * error))


def test_codec_alone_equals_pillow():
    pictures = [photographs(1, 40, 72)[0], photographs(2, 33, 50)[1]]  # of two sizes
    curve = rd_curve(CodecAlone(), pictures, JPEG_420, (6, 20, 60), verbose=0)
    assert curve.strengths == [6.0, 20.0, 60.0]
    for row, step in enumerate((6, 20, 60)):
        for number, picture in enumerate(pictures):
            file = file_of(picture, qtables=[[step] * 64], subsampling="4:2:0")
            bpp = 8 * len(file) / (picture.shape[0] * picture.shape[1])
            assert curve.bpp[row, number] == pytest.approx(bpp, rel=1e-12)
            decoded = np.asarray(Image.open(io.BytesIO(file)))
            assert curve.psnr[row, number] == pytest.approx(decibels(picture, decoded), abs=1e-6)
    np.testing.assert_allclose(curve.mean_bpp, curve.bpp.sum(axis=1) / 2)
    np.testing.assert_allclose(curve.mean_psnr, curve.psnr.sum(axis=1) / 2)


def test_qualities_are_strengths_too():
    picture = photographs(1, 40, 40)
    curve = rd_curve(CodecAlone(), picture, ks.codecs.JPEG(quality=50), (11, 71), verbose=0)
    for row, quality in enumerate((90, 30)):
        file = file_of(picture[0], quality=quality, subsampling="4:4:4")
        assert curve.bpp[row, 0] == 8 * len(file) / 1600


def test_rate_is_per_pixel_of_the_output():
    picture = photographs(1, 64, 48)
    chain = classical_chain(bottleneck_channels=3, downsample_factor=2)
    curve = rd_curve(chain, picture, ks.codecs.JPEG(), (8,), verbose=0)
    small = np.clip(np.rint(ops.convert_to_numpy(chain.preprocess(picture))[0]), 0, 255)
    assert small.shape == (32, 24, 3)
    file = file_of(small.astype("uint8"), qtables=[[8] * 64], subsampling="4:4:4")
    assert curve.bpp[0, 0] == 8 * len(file) / (64 * 48)


def test_peak_of_deep_pictures():
    rng = np.random.default_rng(0)
    picture = photographs(1, 32, 32)[0] * 4.0 + rng.integers(0, 4, (32, 32, 3))  # 10 bits
    chain = classical_chain(3, 3, num_truncate_bits=2)
    curve = rd_curve(chain, [picture], ks.codecs.JPEG(), (1,), verbose=0)
    file = file_of((picture // 4).astype("uint8"), qtables=[[1] * 64], subsampling="4:4:4")
    restored = np.asarray(Image.open(io.BytesIO(file)), "float64") * 4 + 2
    expected = decibels(picture, np.clip(restored, 0, 1020), peak=1020)
    assert curve.psnr[0, 0] == pytest.approx(expected, abs=1e-3)


class Offset:
    """A system whose error is known."""

    def __init__(self, error):
        self.error = error

    def preprocess(self, images):
        return np.zeros((len(images), 16, 16, 1), "float32")

    def postprocess(self, bottlenecks, output_size=None):
        return np.full((1, *output_size, 3), 100.0 + self.error, "float32")


@pytest.mark.parametrize(
    ("error", "mse"), [(3.0, 9.0), (0.4, 1e-6), (0.6, 1.0), (500.0, 155.0**2), (-500.0, 100.0**2)]
)
def test_pictures_are_rounded_and_clipped_as_in_a_file(error, mse):
    target = np.full((1, 24, 40, 3), 100.3)
    curve = rd_curve(Offset(error), target, ks.codecs.JPEG(), (8,), verbose=0)
    assert curve.psnr[0, 0] == pytest.approx(10 * math.log10(255**2 / mse), abs=1e-6)
    assert curve.name == "Offset"


def test_names_and_versions_are_recorded():
    picture = photographs(1, 16, 16)
    curve = rd_curve(CodecAlone(), picture, JPEG_420, (8,), verbose=0)
    assert curve.name == "codec alone"
    assert curve.codec == "JPEG 4:2:0"
    assert curve.version == JPEG_420.version
    assert curve.version.startswith("Pillow ")
    assert curve.bits_counted == "whole file"
    assert curve.sizes == [(16, 16)]
    assert curve.packages["keras-sandwich"] == ks.__version__
    assert curve.packages["numpy"] == np.__version__
    assert rd_curve(CodecAlone(), picture, JPEG_420, (8,), name="mine", verbose=0).name == "mine"


def test_bad_pictures():
    bad = np.zeros((2, 16, 16, 3))
    bad[1, 3, 4, 1] = np.nan
    with pytest.raises(ValueError, match="finite"):
        rd_curve(CodecAlone(), bad, JPEG_420, (8,), verbose=0)
    bad[1, 3, 4, 1] = np.inf
    with pytest.raises(ValueError, match="1 of them not finite"):
        rd_curve(CodecAlone(), bad, JPEG_420, (8,), verbose=0)
    with pytest.raises(ValueError, match="at least one picture"):
        rd_curve(CodecAlone(), [], JPEG_420, (8,), verbose=0)


def test_progress_bar(monkeypatch, capsys):
    picture = photographs(1, 16, 16)
    rd_curve(CodecAlone(), picture, JPEG_420, (8,), verbose=1)
    assert "1/1" in capsys.readouterr().err
    rd_curve(CodecAlone(), picture, JPEG_420, (8,), verbose=0)
    assert not capsys.readouterr().err
    for name in ("tqdm", "tqdm.auto"):
        monkeypatch.setitem(sys.modules, name, None)
    rd_curve(CodecAlone(), picture, JPEG_420, (8,), verbose=0)
    with pytest.raises(ImportError, match=r"keras-sandwich\[codecs\]"):
        rd_curve(CodecAlone(), picture, JPEG_420, (8,), verbose=1)


def test_several_tensors_by_their_keys():
    pictures = photographs(2, 24, 32)

    class ThreeOfThem:
        """What the codec takes of four channels."""

        model_keys = ("colour", "second")

        def preprocess(self, images):
            return images[..., :3]

        def postprocess(self, bottlenecks, output_size):
            return np.concatenate([bottlenecks, bottlenecks[..., :1]], axis=-1)

    images = {"second": pictures[..., :1], "colour": pictures}
    curve = rd_curve(ThreeOfThem(), images, JPEG_420, (6,), verbose=0)
    decoded = [
        JPEG_420.with_strength(6).decode(file_of(p, qtables=[[6] * 64], subsampling="4:2:0"))
        for p in pictures
    ]
    expected = [
        decibels(np.concatenate([p, p[..., :1]], -1), np.concatenate([d, d[..., :1]], -1))
        for p, d in zip(pictures, decoded, strict=True)
    ]
    np.testing.assert_allclose(curve.psnr[0], expected, rtol=1e-6)


def test_a_picture_without_its_list():
    with pytest.raises(ValueError, match=r"Received one of shape \(24, 3\); put a single picture"):
        rd_curve(CodecAlone(), photographs(1, 16, 24)[0], JPEG_420, (6,), verbose=0)
