"""Names of files, and the codecs that write them."""

from pathlib import Path

import codec_cases as cases
import pytest

from keras_sandwich.codecs import AVIF, HEIC, JPEG, JPEG2000, JPEGXL, PNG, WebP, codec_for


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.jpg", JPEG),
        ("b.JPEG", JPEG),
        (Path("folder") / "c.webp", WebP),
        (".avif", AVIF),
        ("d.jp2", JPEG2000),
        ("e.heic", HEIC),
        ("e.heif", HEIC),
        ("f.png.jxl", JPEGXL),
        ("g.png", PNG),
    ],
)
def test_codec_of_a_name(name, codec):
    assert codec_for(name) is codec


@pytest.mark.parametrize("name", ["picture", "a.jpg.gif", "jpg", "", ".tiff"])
def test_other_names(name):
    with pytest.raises(ValueError, match=r"\.jpg, .*\.jxl.*Received"):
        codec_for(name)


SIGNATURES = {
    JPEG: (0, b"\xff\xd8\xff"),
    WebP: (8, b"WEBPVP8 "),
    AVIF: (4, b"ftypavif"),
    JPEG2000: (4, b"jP  \r\n\x87\n"),
    HEIC: (4, b"ftyphei"),
    JPEGXL: (0, b"\xff\x0a"),
    PNG: (0, b"\x89PNG"),
}


@pytest.mark.parametrize("kind", SIGNATURES)
def test_files_are_what_their_suffix_says(kind):
    cases.require(kind())
    place, signature = SIGNATURES[kind]
    file = kind().encode(cases.picture(kind(), 3))
    assert file[place : place + len(signature)] == signature
