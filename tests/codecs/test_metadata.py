"""XMP and ICC profiles, written by the codecs and by others."""

import io

import codec_cases as cases
import numpy as np
import pytest
from PIL import Image, ImageCms

from keras_sandwich.codecs import AVIF, HEIC, JPEG, PNG, WebP, read_metadata

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

CARRIERS = [
    JPEG(),
    JPEG(optimize=False),
    JPEG(progressive=True, color_transform=False),
    WebP(),
    AVIF(speed=9),
    HEIC(preset="ultrafast"),
    HEIC(bits=10, preset="ultrafast"),
]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("metadata", [(XMP, None), (None, PROFILE), (XMP, PROFILE)])
@pytest.mark.parametrize("codec", cases.parameters(CARRIERS))
def test_metadata_travels_and_leaves_the_picture_alone(codec, metadata, channels):
    cases.require(codec)
    assert codec.carries_metadata
    image = cases.picture(codec, channels)
    xmp, profile = metadata
    plain, file = codec.encode(image), codec.encode(image, xmp=xmp, icc_profile=profile)
    assert read_metadata(plain) == (None, None)
    assert read_metadata(file) == metadata
    np.testing.assert_array_equal(codec.decode(file), codec.decode(plain))
    assert codec.encode(image, xmp=b"", icc_profile=b"") == plain


@pytest.mark.parametrize("codec", cases.parameters(CARRIERS))
def test_a_profile_larger_than_the_picture(codec):
    cases.require(codec)
    profile = np.random.default_rng(0).bytes(200_000)  # JPEG: four segments
    image = cases.picture(codec, 1, 4, 4)
    file = codec.encode(image, xmp=XMP * 500, icc_profile=profile)
    assert read_metadata(file) == (XMP * 500, profile)
    assert codec.decode(file).shape == image.shape


def test_colourless_webp_keeps_its_metadata_and_its_channels():
    image = np.repeat(cases.picture(WebP(), 1), 3, axis=-1)
    file = WebP().encode(image, xmp=XMP, icc_profile=PROFILE)
    assert read_metadata(file) == (XMP, PROFILE)
    assert WebP().decode(file).shape == image.shape


def test_what_jpeg_cannot_hold():
    image = cases.picture(JPEG(), 1)
    JPEG().encode(image, xmp=bytes(65504))
    with pytest.raises(ValueError, match=r"65504 bytes\. Received 65505"):
        JPEG().encode(image, xmp=bytes(65505))
    with pytest.raises(ValueError, match="16707345 bytes"):
        JPEG().encode(image, icc_profile=bytes(16707346))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_files_of_others(kind):
    buffer = io.BytesIO()
    options = {"xmp": XMP} if kind == "WEBP" else {}
    Image.new("RGB", (9, 7)).save(buffer, kind, icc_profile=PROFILE, **options)
    xmp, profile = read_metadata(buffer.getvalue())
    assert profile == PROFILE
    assert xmp == options.get("xmp")


def test_png_that_pillow_writes_with_xmp():
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    buffer = io.BytesIO()
    Image.new("RGB", (9, 7)).save(buffer, "PNG", pnginfo=info)
    assert read_metadata(buffer.getvalue()) == (XMP, None)


def segment(marker: int, payload: bytes) -> bytes:
    return bytes([0xFF, marker]) + (2 + len(payload)).to_bytes(2) + payload


def test_jpeg_segments():
    plain = JPEG().encode(cases.picture(JPEG(), 1))
    parts = [segment(0xE2, b"ICC_PROFILE\0" + bytes([n, 3]) + b"abc"[n - 1 : n]) for n in (1, 2, 3)]
    out_of_order = b"".join([parts[2], parts[0], parts[1]])
    assert read_metadata(plain[:2] + out_of_order + plain[2:]) == (None, b"abc")
    filled = plain[:2] + b"\xff\xff" + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)
    assert read_metadata(filled + plain[2:]) == (XMP, None)
    exif = segment(0xE1, b"Exif\0\0" + bytes(20))
    assert read_metadata(plain[:2] + exif + plain[2:]) == (None, None)
    for damaged in (
        plain[:2] + parts[0] + parts[2] + plain[2:],
        plain[:2] + b"\xff\xe2\xff\xff" + plain[2:][:100],
        plain[:2] + b"\xff\xe2\x00\x01" + plain[2:],
        plain[:2] + b"ab" + plain[2:],
        plain[:30],
    ):
        with pytest.raises(ValueError, match=r"JPEG|ICC"):
            read_metadata(damaged)


def test_no_picture_at_all():
    for data in (b"", b"text", bytes(100), PNG().encode(cases.picture(PNG(), 1))[:20]):
        with pytest.raises((ValueError, OSError)):
            read_metadata(data)
