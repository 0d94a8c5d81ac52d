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
from keras_sandwich.evaluation import CodecAlone, Measure, rd_curve
from keras_sandwich.evaluation.measuring import codec_name, default_strengths
from keras_sandwich.evaluation.quality import MEASURES
from keras_sandwich.models import create_linear_baseline

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
    chain = create_linear_baseline(bottleneck_channels=3, downsample_factor=2)
    curve = rd_curve(chain, picture, ks.codecs.JPEG(), (8,), verbose=0)
    small = np.clip(np.rint(ops.convert_to_numpy(chain.preprocess(picture))[0]), 0, 255)
    assert small.shape == (32, 24, 3)
    file = file_of(small.astype("uint8"), qtables=[[8] * 64], subsampling="4:4:4")
    assert curve.bpp[0, 0] == 8 * len(file) / (64 * 48)


def test_peak_of_deep_pictures():
    rng = np.random.default_rng(0)
    picture = photographs(1, 32, 32)[0] * 4.0 + rng.integers(0, 4, (32, 32, 3))  # 10 bits
    chain = create_linear_baseline(3, 3, num_truncate_bits=2)
    off_edge = picture + 0.25  # of truncation's steps, where float32 may fall to either side
    curve = rd_curve(chain, [off_edge], ks.codecs.JPEG(), (1,), verbose=0)
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
    deep = [photographs(1, 16, 16)[0], np.full((16, 16, 3), 1020.0)]
    with pytest.raises(ValueError, match=r"in \[0, 255\].*to 1020"):
        rd_curve(CodecAlone(), deep, JPEG_420, (8,), verbose=0)
    with pytest.raises(ValueError, match=r"in \[0, 510\].*num_truncate_bits=1"):
        rd_curve(CodecAlone(num_truncate_bits=1), deep, JPEG_420, (8,), verbose=0)
    rd_curve(CodecAlone(), np.full((1, 16, 16, 3), 255.4), JPEG_420, (8,), verbose=0)
    with pytest.raises(ValueError, match=r"in \[0, 255\].*from -127"):
        rd_curve(CodecAlone(), photographs(1, 16, 16) * 1.0 - 300, JPEG_420, (8,), verbose=0)
    mixed = [photographs(1, 16, 16)[0], np.full((16, 16, 5), 100.0)]
    with pytest.raises(ValueError, match=r"one number of channels.*\[3, 5\]"):
        rd_curve(CodecAlone(), mixed, JPEG_420, (8,), verbose=0)


def test_pictures_that_look_scaled():
    with pytest.warns(UserWarning, match=r"exceeds 1.*multiply them by 255"):
        rd_curve(CodecAlone(), np.full((1, 16, 16, 3), 1.0), JPEG_420, (8,), verbose=0)


def test_strengths_may_be_given_one_by_one():
    picture = photographs(1, 16, 16)
    curve = rd_curve(CodecAlone(), picture, JPEG_420, (step for step in (8, 32)), verbose=0)
    assert curve.strengths == [8.0, 32.0]


@pytest.mark.parametrize("strengths", [(), 8, []])
def test_no_strengths(strengths):
    with pytest.raises(ValueError, match="`strengths` must be a sequence of at least one"):
        rd_curve(CodecAlone(), photographs(1, 16, 16), JPEG_420, strengths, verbose=0)


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


class Whole:
    """A codec of a user's own: the interface, and nothing more."""

    name, version = "whole", "1"

    def __init__(self, step=1):
        self.step = step

    def with_strength(self, strength):
        return Whole(int(strength))

    def encode(self, image):
        return np.array(image.shape, "<u2").tobytes() + (image // self.step * self.step).tobytes()

    def decode(self, data):
        return np.frombuffer(data[6:], "uint8").reshape(np.frombuffer(data[:6], "<u2"))


class Identity:
    def preprocess(self, images):
        return images

    def postprocess(self, bottlenecks, output_size):
        return bottlenecks


def test_a_codec_of_one_s_own():
    pictures = photographs(2, 24, 32)
    curve = rd_curve(Identity(), pictures, Whole(), (1, 16), verbose=0)
    np.testing.assert_allclose(curve.bpp, 8 * (6 + 24 * 32 * 3) / (24 * 32))
    assert curve.psnr[0].tolist() == pytest.approx([decibels(np.zeros(9), np.full(9, 1e-3))] * 2)
    expected = [decibels(p, p // 16 * 16) for p in pictures]
    np.testing.assert_allclose(curve.psnr[1], expected)
    assert (curve.codec, curve.version, curve.settings) == ("whole", "1", {})
    six = np.concatenate([pictures, pictures], axis=-1)  # it need not know `for_channels` either
    curve = rd_curve(Identity(), six, Whole(), (1,), verbose=0)
    np.testing.assert_allclose(curve.bpp, 8 * (6 + 24 * 32 * 6) / (24 * 32))


def test_metrics_are_those_of_the_restored_pictures():
    pictures = [photographs(1, 170, 180)[0], photographs(2, 161, 200)[1]]
    names = ("psnr-rgb", "psnr-luma", "ssim-rgb", "ms-ssim-rgb")
    curve = rd_curve(Identity(), pictures, Whole(), (8, 32), names, verbose=0)
    assert list(curve.quality) == list(names)
    for metric in names:
        for row, step in enumerate((8, 32)):
            for number, picture in enumerate(pictures):
                target = picture.astype("float32")
                restored = target // step * step
                expected = MEASURES[metric].function(target, restored, 255.0)
                assert curve.quality[metric][row, number] == pytest.approx(expected, rel=1e-6)
    with pytest.raises(ValueError, match="at least 161×161"):
        rd_curve(Identity(), photographs(1, 64, 64), Whole(), (8,), names, verbose=0)


def test_names_of_pictures_are_kept():
    pictures = photographs(2, 16, 24)
    curve = rd_curve(
        Identity(), pictures, Whole(), (8,), picture_names=["a.png", "b.png"], verbose=0
    )
    assert curve.pictures == ["a.png", "b.png"]
    assert curve.sizes == [(16, 24), (16, 24)]
    with pytest.raises(ValueError, match=r"as many `picture_names` as pictures, 2. Received 1"):
        rd_curve(Identity(), pictures, Whole(), (8,), picture_names=["a.png"], verbose=0)


def test_deep_samples_reach_a_deep_codec():
    class Deep(Whole):
        bits = 12

        def with_strength(self, strength):
            return Deep()

        def encode(self, image):
            assert image.dtype == np.uint16
            self.seen.append(image)
            return b"sixteen bytes..."

        def decode(self, data):
            return self.seen[-1]

    Deep.seen = []
    picture = photographs(1, 16, 16).astype("float32") + 0.3
    curve = rd_curve(Identity(), picture, Deep(), (1,), verbose=0)
    np.testing.assert_array_equal(Deep.seen[0], np.clip(np.rint(picture[0] * 16), 0, 4095))
    assert curve.psnr[0, 0] > 100  # rounded as eight bits in the end: nothing is lost
    assert curve.bpp[0, 0] == 8 * 16 / 256


def test_more_channels_than_a_file_has_become_several_files():
    pictures = photographs(1, 32, 40)
    five = np.concatenate([pictures, pictures[..., :2]], axis=-1)
    curve = rd_curve(Identity(), five, ks.codecs.JPEG(), (8,), verbose=0)
    decoded, total = [], 0
    for channel in range(5):
        file = file_of(five[0, ..., channel], qtables=[[8] * 64])
        total += len(file)
        decoded.append(np.asarray(Image.open(io.BytesIO(file))))
    assert curve.psnr[0, 0] == pytest.approx(decibels(five[0], np.stack(decoded, -1)), abs=1e-6)
    assert 0 <= curve.bpp[0, 0] * 32 * 40 / 8 - total < 100  # the container of five files counts
    assert curve.settings["class"] == "Split"


@pytest.mark.parametrize("failing", [KeyboardInterrupt, OSError])
def test_an_interrupted_measurement_stops(failing):
    class Stopping(Whole):
        begun = 0

        def with_strength(self, strength):
            return Stopping(int(strength))

        def encode(self, image):
            Stopping.begun += 1
            if self.step == 2:
                raise failing("stop")
            return super().encode(image)

    with pytest.raises(failing):
        rd_curve(Identity(), photographs(1, 16, 16), Stopping(), range(1, 200), verbose=0)
    assert Stopping.begun < 50  # what had not begun never does


def test_a_codec_that_decodes_another_shape():
    class Cropping(Whole):
        def with_strength(self, strength):
            return Cropping()

        def decode(self, data):
            return super().decode(data)[:, :1]  # would broadcast

    with pytest.raises(ValueError, match=r"Received \(16, 1, 3\) for \(16, 24, 3\)"):
        rd_curve(Identity(), photographs(1, 16, 24), Cropping(), (1,), verbose=0)


def mean_error(target, restored, peak):
    error = ops.convert_to_tensor(target) - ops.convert_to_tensor(restored)
    return ops.mean(ops.abs(error)) / peak  # a tensor


def test_a_metric_of_one_s_own():
    pictures = photographs(2, 24, 32)
    error = Measure("error", mean_error, "mean error", "%", higher_is_better=False)
    given = ("psnr-rgb", error, mean_error)
    curve = rd_curve(Identity(), pictures, Whole(), (8, 32), given, verbose=0)
    assert list(curve.quality) == ["psnr-rgb", "error", "mean_error"]
    assert (curve.measures["error"].unit, curve.measures["error"].higher_is_better) == ("%", False)
    assert curve.measures["mean_error"].higher_is_better
    for row, step in enumerate((8, 32)):
        expected = [np.abs(p.astype("float64") - p // step * step).mean() / 255 for p in pictures]
        for metric in ("error", "mean_error"):
            np.testing.assert_allclose(curve.quality[metric][row], expected, rtol=1e-6)
    endless = Measure("endless", lambda *_: math.inf)
    with pytest.raises(ValueError, match="'endless' must give one finite number"):
        rd_curve(Identity(), pictures, Whole(), (8,), [endless], verbose=0)


@pytest.mark.parametrize(
    ("codec", "finest", "coarsest"),
    [
        (ks.codecs.JPEG(qstep=1), 5, 153),
        (ks.codecs.JPEG(quality=50), 2, 60),
        (ks.codecs.WebP(), 2, 61),
        (ks.codecs.JPEG2000(), 4.76, 152.22),
    ],
)
def test_a_dozen_of_the_codec_s_own_strengths(codec, finest, coarsest):
    strengths = default_strengths(codec)
    assert set(strengths) <= set(codec.strengths)
    assert (strengths[0], strengths[-1]) == pytest.approx((finest, coarsest))
    assert 10 <= len(strengths) <= 12
    ratios = np.diff(np.log(strengths[3:]))  # the first are whole numbers far from one another
    np.testing.assert_allclose(ratios, np.log(30) / 11, atol=0.14)


def test_strengths_that_nobody_said():
    picture = photographs(1, 16, 24)
    curve = rd_curve(CodecAlone(), picture, JPEG_420, verbose=0)
    assert curve.strengths == default_strengths(JPEG_420)

    class Few(Whole):
        strengths = (2, 8, 16)

    assert rd_curve(Identity(), picture, Few(), verbose=0).strengths == [2.0, 8.0, 16.0]
    with pytest.raises(ValueError, match="the codec 'whole' lists none"):
        rd_curve(Identity(), picture, Whole(), verbose=0)


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        (ks.codecs.JPEG(), "grayscale JPEG (4:0:0)"),
        (JPEG_420, "grayscale JPEG (4:0:0)"),
        (ks.codecs.JPEG(color_transform=False), "grayscale JPEG (4:0:0)"),
        (ks.codecs.HEIC(), "grayscale HEIC (4:0:0)"),
        (ks.codecs.AVIF(bits=10), "grayscale AVIF, 10 bits"),  # whose chroma is there and flat
        (ks.codecs.WebP(), "WebP 4:2:0"),  # which has no grayscale
        (Whole(), "whole"),
    ],
)
def test_files_of_one_channel_have_no_chroma_to_subsample(codec, name):
    assert codec_name(codec, 1) == name
    assert codec_name(codec, 3) == codec.name
    if codec.name.startswith("JPEG"):
        gray = photographs(1, 16, 16)[..., :1]
        assert rd_curve(Identity(), gray, codec, (8,), verbose=0).codec == name
