import os

import numpy as np
import pytest
from PIL import Image

import keras_sandwich as ks
from keras_sandwich.pictures import find_pictures, formats, opening


def make(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 64), (10, 20, 30)).save(path)


def names(folder):
    return [file.relative_to(folder).as_posix() for file in find_pictures(folder)]


def test_folders_that_are_links_are_followed(tmp_path):
    make(tmp_path / "store" / "deep" / "a.png")
    make(tmp_path / "set" / "own.png")
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "store")
    (tmp_path / "set" / "file.png").symlink_to(tmp_path / "store" / "deep" / "a.png")
    assert names(tmp_path / "set") == ["file.png", "linked/deep/a.png", "own.png"]
    assert list(ks.datasets.load_images(tmp_path / "set")) == ["file", "linked/deep/a", "own"]
    assert len(ks.datasets.image_folder(tmp_path / "set", crop_size=16).names) == 3


def test_links_back_end_nowhere(tmp_path):
    make(tmp_path / "a" / "one.png")
    make(tmp_path / "b" / "two.png")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "aside").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "aside").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "broken").symlink_to(tmp_path / "nowhere")
    (tmp_path / "a" / "broken.png").symlink_to(tmp_path / "nowhere.png")
    # Each folder by each way that comes through none twice.
    assert names(tmp_path) == [
        *("a/aside/two.png", "a/broken.png", "a/one.png"),
        *("b/aside/broken.png", "b/aside/one.png", "b/two.png"),
    ]


def test_every_name_of_the_file_system_is_found(tmp_path):
    for name in (b"caf\xe9.png", b"two\nlines.png", b" .png", b"a b.PNG"):
        make(tmp_path / "a.png")
        os.rename(tmp_path / "a.png", os.fsencode(tmp_path) + b"/" + name)
    assert [os.fsencode(file.name) for file in find_pictures(tmp_path)] == [
        *(b" .png", b"a b.PNG", b"caf\xe9.png", b"two\nlines.png"),
    ]
    assert len(ks.datasets.load_images(tmp_path)) == 4


def test_what_cannot_be_read_is_not_named_as_readable(tmp_path, monkeypatch):
    """As where Pillow has no JPEG 2000 and no AVIF, and pillow-heif is not installed."""
    from PIL import features

    Image.new("RGB", (64, 64)).save(tmp_path / "a.jp2")
    (tmp_path / "b.heic").write_bytes(b"\0\0\0\x1cftypheic" + bytes(20))
    (tmp_path / "c.png").write_bytes(b"no picture")
    real = features.check
    monkeypatch.setattr(features, "check", lambda name: name == "webp" and real(name))
    monkeypatch.setattr(formats, "find_spec", lambda name: None)

    def missing(module, user, extra):
        if module == "pillow_heif":
            raise ImportError(f'{user} needs pillow-heif: pip install "keras-sandwich[{extra}]".')
        return real_import(module, user, extra)

    real_import = opening.import_library
    monkeypatch.setattr(opening, "import_library", missing)
    assert formats.readable_formats() == [
        *("BMP", "DIB", "GIF", "JPEG", "PNG", "PPM", "TGA", "TIFF", "WEBP"),
    ]
    with pytest.raises(
        ValueError,
        match=r"of a format that is read: BMP, DIB, GIF, JPEG, PNG, PPM, TGA, TIFF, WEBP\.",
    ):
        ks.pictures.read_picture(tmp_path / "c.png")
    with pytest.raises(ValueError, match="JPEG2000 files need a Pillow with JPEG 2000"):
        ks.pictures.read_picture(tmp_path / "a.jp2")
    with pytest.raises(ImportError, match=r"keras-sandwich\[heic\]"):
        ks.pictures.read_picture(tmp_path / "b.heic")
    # They are found nonetheless, so that nobody trains on a half of a folder unawares.
    assert names(tmp_path) == ["a.jp2", "b.heic", "c.png"]
    make(tmp_path / "d.png")
    with pytest.warns(UserWarning, match=r"Cannot be read \(3\): .*a\.jp2.*b\.heic.*c\.png"):
        assert len(ks.datasets.image_folder(tmp_path, crop_size=16).names) == 1
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no pictures") as refusal:
        find_pictures(tmp_path / "empty")
    assert ".png" in str(refusal.value)
    assert not any(suffix in str(refusal.value) for suffix in (".jp2", ".heic", ".avif"))


def test_every_suffix_that_is_looked_for_is_of_one_format():
    suffixes = [suffix for kind in formats.FORMATS for suffix in kind.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert set(formats.readable_suffixes()) == set(suffixes)  # with the extras of the tests
    assert np.array_equal(suffixes, formats.PICTURE_SUFFIXES)
