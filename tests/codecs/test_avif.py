"""AVIF: what stands in the boxes, and that others read the same."""

import io

import codec_cases as cases
import numpy as np
import pytest
from PIL import AvifImagePlugin, Image

from keras_sandwich.codecs import AVIF, avif


@pytest.fixture(autouse=True)
def _libraries():
    cases.require(AVIF())


def configuration(file: bytes) -> dict[str, int]:
    """The AV1CodecConfigurationBox, by the AV1 ISO binding, section 2.3.3."""
    start = file.index(b"av1C") + 4
    flags = file[start + 2]
    high, twelve = flags >> 6 & 1, flags >> 5 & 1
    return {
        "bits": 12 if high and twelve else 10 if high else 8,
        "monochrome": flags >> 4 & 1,
        "subsampling": (flags >> 3 & 1, flags >> 2 & 1),
    }


def matrix(file: bytes) -> int:
    start = file.index(b"colrnclx") + 8
    return int.from_bytes(file[start + 4 : start + 6])


@pytest.mark.parametrize(
    ("subsampling", "halved"), [("4:4:4", (0, 0)), ("4:2:2", (1, 0)), ("4:2:0", (1, 1))]
)
@pytest.mark.parametrize("bits", [8, 10, 12])
def test_subsampling_and_bits(subsampling, halved, bits):
    codec = AVIF(chroma_subsampling=subsampling, bits=bits, speed=9)
    cases.require(codec)
    found = configuration(codec.encode(cases.picture(codec, 3)))
    assert found == {"bits": bits, "monochrome": 0, "subsampling": halved}


def test_gray_of_eight_bits_is_monochrome():
    codec = AVIF(chroma_subsampling="4:4:4", speed=9)
    assert configuration(codec.encode(cases.picture(codec, 1)))["monochrome"] == 1


@pytest.mark.parametrize("bits", [8, 12])
def test_matrix(bits):
    plain, rgb = (AVIF(bits=bits, color_transform=on, speed=9) for on in (True, False))
    cases.require(rgb)
    image = cases.picture(plain, 3)
    assert (matrix(plain.encode(image)), matrix(rgb.encode(image))) == (6, 0)  # BT.601, identity


def test_no_transform_keeps_the_channels_apart():
    codec = AVIF(quality=60, color_transform=False, speed=9)
    cases.require(codec)
    image = cases.picture(codec, 3)
    for channel in range(3):  # noise in one of them leaves the others what they are
        noisy = image.copy()
        noisy[..., channel] = np.random.default_rng(0).integers(0, 256, image.shape[:2])
        decoded = codec.decode(codec.encode(noisy))
        others = [c for c in range(3) if c != channel]
        assert cases.psnr(image[..., others], decoded[..., others], 8) > 33


def test_another_decoder_reads_the_same():
    imagecodecs = pytest.importorskip("imagecodecs")
    for channels in (1, 3):
        file = AVIF(speed=9).encode(cases.picture(AVIF(), channels))
        other = imagecodecs.avif_decode(file).reshape(40, 56, channels)
        np.testing.assert_array_equal(AVIF().decode(file), other)


@pytest.mark.parametrize("quality", [0, 40, 80, 100])
def test_deep_gray_is_one_channel_and_colourless_colour_three(quality):
    codec = AVIF(quality=quality, bits=10, speed=9)
    cases.require(codec)
    gray = cases.picture(codec, 1)
    file = codec.encode(gray)
    assert codec.decode(file).shape == gray.shape
    colourless = np.repeat(gray, 3, axis=-1)
    assert codec.decode(codec.encode(colourless)).shape == colourless.shape
    if quality == 100:
        assert configuration(file)["monochrome"] == 1
        np.testing.assert_array_equal(codec.decode(file), gray)


def test_flat_chroma_costs_deep_gray_next_to_nothing():
    deep = AVIF(bits=10, speed=6)
    cases.require(deep)
    gray = cases.picture(AVIF(), 1, 128, 160)
    monochrome, flat = AVIF(speed=6).encode(gray), deep.encode(gray.astype("uint16") << 2)
    assert len(flat) < 1.05 * len(monochrome)


def test_other_bits_are_refused():
    codec = AVIF(bits=10, speed=9)
    cases.require(codec)
    file = codec.encode(cases.picture(codec, 3))
    for other in (8, 12):
        with pytest.raises(ValueError, match="10 bits"):
            AVIF(bits=other).decode(file)


def test_pillow_without_avif(monkeypatch):
    from PIL import features

    monkeypatch.setattr(features, "get_supported_modules", lambda: ["webp"])
    for work in (lambda: AVIF().encode(cases.picture(AVIF(), 3)), lambda: AVIF().version):
        with pytest.raises(ImportError, match=r"11\.3"):
            work()


def test_version_names_what_encodes_and_what_decodes():
    coders = AVIF().version.split(", ")[2:]
    assert f"aom {AvifImagePlugin.get_codec_version('aom')}" in coders
    for coder in coders:
        name, version = coder.split(" ")
        assert version == AvifImagePlugin.get_codec_version(name)


def test_the_encoder_is_libaom_by_its_name(monkeypatch):
    codec = AVIF(quality=40, speed=8)
    image = cases.picture(codec, 3)
    theirs = io.BytesIO()
    options = {"quality": 40, "speed": 8, "subsampling": "4:4:4", "max_threads": 1}
    Image.fromarray(image).save(theirs, "AVIF", codec="aom", **options)
    assert codec.encode(image) == theirs.getvalue()
    monkeypatch.setattr(avif, "pillow_save", lambda *_, codec, **__: codec.encode())
    assert codec.encode(image) == b"aom"


def test_a_pillow_without_libaom_takes_what_it_has(monkeypatch):
    available = AvifImagePlugin._avif.encoder_codec_available
    monkeypatch.setattr(AvifImagePlugin._avif, "encoder_codec_available", lambda _: False)
    monkeypatch.setattr(avif, "pillow_save", lambda *_, codec, **__: codec.encode())
    assert available("aom")
    assert AVIF().encode(cases.picture(AVIF(), 3)) == b"auto"
