"""HEIC: what stands in the decoder configuration, and the files beside the picture."""

import codec_cases as cases
import numpy as np
import pytest

from keras_sandwich.codecs import HEIC, read_metadata

pytest.importorskip("pillow_heif")

FAST = {"preset": "ultrafast"}


def configuration(file: bytes) -> dict[str, int]:
    """The HEVCDecoderConfigurationRecord, ISO/IEC 14496-15, section 8.3.3.1."""
    start = file.index(b"hvcC") + 4
    return {
        "chroma": file[start + 16] & 3,
        "luma bits": 8 + (file[start + 17] & 7),
        "chroma bits": 8 + (file[start + 18] & 7),
    }


def matrix(file: bytes) -> int:
    start = file.index(b"colrnclx") + 8
    return int.from_bytes(file[start + 4 : start + 6])


@pytest.mark.parametrize(("subsampling", "number"), [("4:2:0", 1), ("4:2:2", 2), ("4:4:4", 3)])
@pytest.mark.parametrize("bits", [8, 10, 12])
def test_subsampling_and_bits(subsampling, number, bits):
    codec = HEIC(chroma_subsampling=subsampling, bits=bits, **FAST)
    found = configuration(codec.encode(cases.picture(codec, 3)))
    assert found == {"chroma": number, "luma bits": bits, "chroma bits": bits}


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_gray_is_monochrome(bits):
    codec = HEIC(bits=bits, **FAST)
    found = configuration(codec.encode(cases.picture(codec, 1)))
    assert (found["chroma"], found["luma bits"]) == (0, bits)


def test_matrix():
    image = cases.picture(HEIC(), 3)
    found = [matrix(HEIC(color_transform=on, **FAST).encode(image)) for on in (True, False)]
    assert found == [6, 0]  # BT.601, identity


def test_no_transform_keeps_the_channels_apart():
    codec = HEIC(quality=60, color_transform=False, **FAST)
    image = cases.picture(codec, 3)
    for channel in range(3):
        noisy = image.copy()
        noisy[..., channel] = np.random.default_rng(0).integers(0, 256, image.shape[:2])
        decoded = codec.decode(codec.encode(noisy))
        others = [c for c in range(3) if c != channel]
        assert cases.psnr(image[..., others], decoded[..., others], 8) > 33


def test_two_qualities_share_a_rate_factor():
    image = cases.picture(HEIC(), 3)
    odd, even, next_even = (len(HEIC(quality=q, **FAST).encode(image)) for q in (51, 52, 54))
    assert odd == even != next_even
    assert HEIC().strengths == tuple(range(1, 102, 2))


def test_preset_and_tune_reach_the_encoder():
    image = cases.picture(HEIC(), 3)
    files = {
        HEIC(preset=preset, tune=tune).encode(image)
        for preset, tune in (("ultrafast", "ssim"), ("slow", "ssim"), ("slow", "psnr"))
    }
    assert len(files) == 3


def test_an_orientation_in_the_metadata_turns_nothing():
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:D tiff:Orientation="6"/></x:xmpmeta>'
    codec = HEIC(**FAST)
    image = cases.picture(codec, 3)
    file = codec.encode(image, xmp=xmp)
    np.testing.assert_array_equal(codec.decode(file), codec.decode(codec.encode(image)))
    assert read_metadata(file) == (xmp, None)


def test_other_bits_and_transparency_are_refused():
    import io

    import pillow_heif

    file = HEIC(bits=10, **FAST).encode(cases.picture(HEIC(bits=10), 3))
    with pytest.raises(ValueError, match="10 bits"):
        HEIC().decode(file)
    buffer = io.BytesIO()
    pillow_heif.encode("RGBA", (16, 16), bytes(range(256)) * 4, buffer)
    with pytest.raises(ValueError, match="RGBA"):
        HEIC().decode(buffer.getvalue())
