"""What every codec does, whichever it is."""

import json
import re
import sys

import codec_cases as cases
import numpy as np
import pytest

from keras_sandwich import codecs
from keras_sandwich.codecs import AVIF, HEIC, JPEG, JPEG2000, JPEGXL, PNG, Codec, Split, WebP

ALL = cases.LOSSY + cases.LOSSLESS
SIZES = [(1, 1), (1, 9), (7, 1), (2, 3), (17, 33)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("codec", cases.parameters(cases.LOSSY))
def test_what_comes_out_is_what_went_in_nearly(codec, channels):
    cases.require(codec)
    image = cases.picture(codec, channels)
    decoded = codec.decode(codec.encode(image))
    assert decoded.shape == image.shape
    assert decoded.dtype == image.dtype
    assert 28 < cases.psnr(image, decoded, codec.bits) < 60  # channels swapped: below 25


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("codec", cases.parameters(cases.LOSSLESS))
def test_lossless_is_exact(codec, channels):
    cases.require(codec)
    noise = np.random.default_rng(0).integers(0, 2**codec.bits, (33, 18, channels))
    for image in (
        cases.picture(codec, channels),
        noise.astype(f"uint{8 if codec.bits == 8 else 16}"),
    ):
        np.testing.assert_array_equal(codec.decode(codec.encode(image)), image, strict=True)


@pytest.mark.parametrize("codec", cases.parameters(ALL))
def test_every_size_and_content_keeps_its_shape(codec):
    cases.require(codec)
    generator = np.random.default_rng(1)
    dtype = cases.picture(codec, 1).dtype
    for size in SIZES:
        for channels in (1, 3):
            noise = generator.integers(0, 2**codec.bits, (*size, channels)).astype(dtype)
            for image in (noise, np.zeros_like(noise), np.full_like(noise, 2**codec.bits - 1)):
                assert codec.decode(codec.encode(image)).shape == image.shape


DEEP = [
    AVIF(quality=99, bits=12, speed=8),
    AVIF(quality=99, bits=12, color_transform=False, speed=8),
    HEIC(quality=100, bits=12, preset="fast"),
    HEIC(quality=100, bits=12, color_transform=False, preset="fast"),
    JPEG2000(psnr=76, bits=12),
    JPEGXL(distance=0.01, bits=12),
]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("codec", cases.parameters(DEEP))
def test_low_bits_survive(codec, channels):
    cases.require(codec)
    image = cases.ramp(12, channels)
    in_eight_bits = np.round(np.round(image / 4095 * 255) / 255 * 4095)
    decoded = codec.decode(codec.encode(image))
    assert cases.psnr(image, decoded, 12) > cases.psnr(image, in_eight_bits, 12) + 4


TABLES = np.arange(1, 65).reshape(8, 8)


@pytest.mark.parametrize("codec", [*cases.parameters(ALL), JPEG(tables=[TABLES, TABLES.T])])
def test_settings_make_the_same_codec(codec):
    settings = json.loads(json.dumps(codec.settings))
    assert settings == codec.settings
    assert getattr(codecs, settings.pop("class"))(**settings) == codec


@pytest.mark.parametrize("codec", cases.parameters(cases.LOSSY))
def test_strength(codec):
    cases.require(codec)
    assert codec.with_strength(codec.strength) == codec
    assert list(codec.strengths) == sorted(set(codec.strengths))
    image = cases.picture(codec, 3, 64, 80)
    some = codec.strengths[:: max(len(codec.strengths) // 8, 1)]
    stronger = [codec.with_strength(strength) for strength in some]
    assert [other.strength for other in stronger] == list(some)
    sizes = np.array([len(other.encode(image)) for other in stronger])
    assert np.all(sizes[1:] <= 1.01 * sizes[:-1])
    assert sizes[-1] < sizes[0] / 4
    for end in (codec.strengths[0], codec.strengths[-1]):
        assert codec.with_strength(end).decode(codec.with_strength(end).encode(image)).any()


@pytest.mark.parametrize("codec", cases.parameters(cases.LOSSLESS))
def test_lossless_has_no_strength(codec):
    assert codec.strengths == ()
    with pytest.raises(ValueError, match="no strength"):
        _ = codec.strength
    with pytest.raises(ValueError, match="no strength"):
        codec.with_strength(4)


RANGES = [
    (JPEG(), 1, 255, "qstep"),
    (JPEG(quality=50), 1, 100, "101 − quality"),
    (WebP(), 1, 101, "101 − quality"),
    (AVIF(bits=10), 1, 101, "101 − quality"),
    (HEIC(), 1, 101, "101 − quality"),
    (JPEG2000(), 1, 1000, "ratio"),
    (JPEG2000(psnr=40), 1, 91, "101 − psnr"),
    (JPEGXL(), 0.01, 25, "distance"),
    (Split(WebP(), (1, 1)), 1, 101, "101 − quality"),
]


@pytest.mark.parametrize(("codec", "low", "high", "meaning"), RANGES)
def test_strengths_out_of_the_range_are_named_as_they_were_given(codec, low, high, meaning):
    for end in (low, high, np.float32(high), np.int64(high)):
        assert codec.with_strength(end).strength == pytest.approx(end)
    for bad in (None, "16", "x", low - 0.005, high + 1, -99, np.nan, np.inf, [3], 10**400):
        message = (
            rf"^`strength` must be .* from {low:g} to {high:g}, which is .*{re.escape(meaning)}"
        )
        with pytest.raises(ValueError, match=message) as caught:
            codec.with_strength(bad)
        assert str(caught.value).endswith(f"Received {bad!r}.")


@pytest.mark.parametrize("codec", cases.parameters([*ALL, Split(PNG(), (1,))]))
def test_files_are_bytes_of_any_kind_and_nothing_else(codec):
    cases.require(getattr(codec, "codec", codec))
    image = cases.picture(codec, 1)
    file = codec.encode(image)
    expected = codec.decode(file)
    within = memoryview(b"before" + file + b"after")[6:-5]
    for data in (bytearray(file), memoryview(file), within):
        np.testing.assert_array_equal(codec.decode(data), expected, strict=True)
    for other in (None, "picture.jpg", 5, np.frombuffer(file, "uint8"), [file]):
        with pytest.raises(TypeError, match=f"bytes.*Received {type(other).__name__};"):
            codec.decode(other)


def test_names_say_what_is_coded():
    names = {
        "WebP 4:2:0": WebP(),
        "AVIF 4:2:0, 10 bits": AVIF(chroma_subsampling="4:2:0", bits=10),
        "HEIC RGB": HEIC(color_transform=False),
        "JPEG 2000 RGB, 12 bits": JPEG2000(color_transform=False, bits=12),
        "JPEG XL, lossless, 16 bits": JPEGXL(lossless=True, bits=16),
        "PNG, 16 bits": PNG(bits=16),
    }
    assert {codec.name for codec in names.values()} == set(names)


@pytest.mark.parametrize("codec", cases.parameters(ALL))
def test_pictures_of_other_kinds_are_refused(codec):
    image = cases.picture(codec, 3)
    other = "uint16" if codec.bits == 8 else "uint8"
    bad = [image[..., 0], image[..., :2], image[None], image[:0], image.astype(other)]
    if codec.bits in (10, 12):
        bad.append(image + np.uint16(2**codec.bits))
    for picture in bad:
        with pytest.raises(ValueError, match="Received"):
            codec.encode(picture)


@pytest.mark.parametrize("codec", cases.parameters([*ALL, Split(JPEG(), (1, 1))]))
def test_metadata_is_refused_where_it_cannot_be_written(codec):
    if codec.carries_metadata:
        return
    for metadata in ({"xmp": b"<x/>"}, {"icc_profile": b"profile"}):
        with pytest.raises(ValueError, match="no metadata"):
            codec.encode(cases.picture(codec, 1), **metadata)


def test_channels_that_need_several_files():
    codec = JPEG(qstep=3)
    assert codec.for_channels(1) is codec.for_channels(3) is codec
    assert codec.for_channels(2) == Split(codec, (1, 1))
    with pytest.raises(ValueError, match="groups"):
        codec.for_channels(0)


@pytest.mark.parametrize(
    ("codec", "library", "extra"),
    [
        (WebP(), "PIL", "codecs"),
        (AVIF(), "PIL", "codecs"),
        (AVIF(bits=10), "imagecodecs", "jpegxl"),
        (JPEG2000(), "PIL", "codecs"),
        (JPEG2000(bits=16), "imagecodecs", "jpegxl"),
        (HEIC(), "pillow_heif", "heic"),
        (JPEGXL(), "imagecodecs", "jpegxl"),
        (PNG(), "PIL", "codecs"),
        (PNG(bits=16), "imagecodecs", "jpegxl"),
    ],
)
def test_a_missing_library_is_named_by_its_extra(codec, library, extra, monkeypatch):
    image = cases.picture(codec, 3)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"keras-sandwich\[{extra}\]"):
        codec.encode(image)
    with pytest.raises(ImportError, match=rf"keras-sandwich\[{extra}\]"):
        _ = codec.version


@pytest.mark.parametrize(
    ("kind", "arguments", "name"),
    [
        (WebP, {"quality": 101}, "quality"),
        (WebP, {"method": 7}, "method"),
        (AVIF, {"quality": 50.5}, "quality"),
        (AVIF, {"bits": 16}, "bits"),
        (AVIF, {"speed": 11}, "speed"),
        (AVIF, {"chroma_subsampling": "4:0:0"}, "chroma_subsampling"),
        (AVIF, {"chroma_subsampling": "4:2:0", "color_transform": False}, "chroma_subsampling"),
        (JPEG, {"chroma_subsampling": "4:2:0", "color_transform": False}, "chroma_subsampling"),
        (JPEG2000, {"ratio": 0.5}, "ratio"),
        (JPEG2000, {"ratio": 8, "psnr": 40}, "one of"),
        (JPEG2000, {"ratio": 8, "lossless": True}, "one of"),
        (JPEG2000, {"ratio": 8, "bits": 12}, "ratio"),
        (JPEG2000, {"psnr": float("nan")}, "psnr"),
        (JPEG2000, {"bits": 9}, "bits"),
        (HEIC, {"quality": -1}, "quality"),
        (HEIC, {"bits": 16}, "bits"),
        (HEIC, {"preset": "quick"}, "preset"),
        (HEIC, {"tune": "vmaf"}, "tune"),
        (HEIC, {"chroma_subsampling": "4:2:2", "color_transform": False}, "chroma_subsampling"),
        (JPEGXL, {"distance": 0}, "distance"),
        (JPEGXL, {"distance": 1, "lossless": True}, "one of"),
        (JPEGXL, {"effort": 10}, "effort"),
        (PNG, {"bits": 12}, "bits"),
    ],
)
def test_settings_that_no_file_can_have(kind, arguments, name):
    with pytest.raises(ValueError, match=rf"{name}.*Received"):
        kind(**arguments)


class Bare(Codec):
    name = version = "bare"
    strength, strengths = 1.0, ()
    with_strength = encode = decode = None


def test_settings_of_a_codec_that_is_no_dataclass():
    class Steps(Bare):
        def __init__(self, step, offsets=(1, 2)):
            self.step, self.offsets, self.unasked = step, offsets, object()

    assert Bare().settings == {"class": "Bare"}
    assert Steps(4).settings == {"class": "Steps", "step": 4, "offsets": [1, 2]}


def test_arguments_that_a_codec_does_not_keep_are_named():
    class Forgetful(Bare):
        def __init__(self, step, **options):
            self.size = step

    with pytest.raises(TypeError, match=r"Forgetful has \['step', 'options'\] and no attributes"):
        _ = Forgetful(4).settings
