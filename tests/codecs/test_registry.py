"""Names of files, and the codecs that write them."""

import ast
import inspect
import mimetypes
import sys
from pathlib import Path

import codec_cases as cases
import pytest

from keras_sandwich import codecs
from keras_sandwich.codecs import AVIF, HEIC, JPEG, JPEG2000, JPEGXL, PNG, WebP, codec_for
from keras_sandwich.codecs.registry import FORMATS, coded_formats, format_of, listed


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


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.name)
def test_the_registry_knows_each_codec(kind):
    cases.require(kind.codec())
    file = kind.codec().encode(cases.picture(kind.codec(), 3))
    assert format_of(file) is kind
    assert kind.carries_metadata == kind.codec().carries_metadata
    if kind.carries_metadata:
        height, width = cases.picture(kind.codec(), 3).shape[:2]
        header = kind.codec.read_header(file)
        assert (header.size, header.xmp, header.icc_profile) == ((height, width), None, None)
    else:
        with pytest.raises(NotImplementedError, match="carries no metadata"):
            kind.codec.read_header(file)


def test_every_codec_is_registered():
    public = {getattr(codecs, name) for name in codecs.__all__ if name not in ("Codec", "Split")}
    found = {kind for kind in public if isinstance(kind, type) and issubclass(kind, codecs.Codec)}
    # jpegli is another encoder of JPEG files, which no file's name asks for.
    assert {kind.codec for kind in FORMATS} == found - {codecs.Jpegli}
    # As Python knows them; not all of them are in the tables of every system.
    known = {kind.media_type: mimetypes.guess_type(f"a{kind.suffixes[0]}")[0] for kind in FORMATS}
    assert all(found in (None, stated) for stated, found in known.items())
    assert known["image/jpeg"] == "image/jpeg"
    assert [kind.name for kind in coded_formats()] == ["JPEG", "WebP", "AVIF", "HEIC"]
    assert format_of(b"") is format_of(b"text") is None


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.name)
def test_the_extra_of_each_is_the_one_that_its_error_names(kind, monkeypatch):
    for module in ("PIL", "imagecodecs", "pillow_heif"):
        monkeypatch.setitem(sys.modules, module, None)
    codec = kind.codec()
    with pytest.raises(ImportError, match=rf"keras-sandwich\[{kind.extra}\]"):
        codec.encode(cases.picture(codec, 1))


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.name)
def test_numbers_that_could_be_mistaken_are_given_by_name(kind):
    with pytest.raises(TypeError, match="positional argument"):
        kind.codec(50)
    documented = inspect.getdoc(kind.codec)
    assert "strength" in documented
    if kind.codec().strengths:
        assert "more is fewer bits" in documented


def test_names_in_a_row():
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a or b"
    assert listed(["a", "b", "c"], "and") == "a, b and c"


@pytest.mark.parametrize("room", ["codecs", "pictures"])
def test_the_host_needs_no_keras(room):
    folder = Path(codecs.__file__).parents[1] / room
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            rooms = ("keras_sandwich.codecs", "keras_sandwich.pictures", "keras_sandwich._")
            for name in names:
                ours = name.split(".")[0] == "keras_sandwich"
                assert name.startswith(rooms) if ours else not name.startswith("keras"), file
