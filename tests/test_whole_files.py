import json
import os
import stat

import pytest

from keras_sandwich import _whole_files
from keras_sandwich._whole_files import replace_whole, write_whole


def test_a_file_is_replaced_through_its_link_and_keeps_its_mode(tmp_path):
    there = tmp_path / "there.png"
    there.write_bytes(b"old")
    there.chmod(0o640)
    link = tmp_path / "link.png"
    link.symlink_to(there)
    write_whole(link, b"new")
    assert there.read_bytes() == b"new"
    assert link.is_symlink()
    assert stat.S_IMODE(there.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.png", "there.png"]


def test_a_new_file_has_the_usual_mode(tmp_path):
    (tmp_path / "usual").write_bytes(b"")
    write_whole(tmp_path / "new", b"")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize(
    "name",
    [
        f"{'写' * 82}.png".encode(),  # 250 bytes of the 255
        b"a." + "写".encode() * 80,
        b"caf\xe9.json",  # of no encoding that Python decodes as UTF-8
        b"two\nlines and spaces .txt",
        b".hidden",
        b"-",
    ],
)
def test_every_name_of_the_file_system(tmp_path, name):
    for _ in range(2):  # new, and replaced
        write_whole(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)), b"new")
    assert os.listdir(os.fsencode(tmp_path)) == [name]
    with open(os.path.join(os.fsencode(tmp_path), name), "rb") as file:
        assert file.read() == b"new"


def test_text_is_utf8_and_names_in_it_are_their_bytes(tmp_path):
    write_whole(tmp_path / "a.txt", "é\n" + os.fsdecode(b"caf\xe9"))
    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xa9\ncaf\xe9"
    write_whole(str(tmp_path / "a.json"), json.dumps(os.fsdecode(b"caf\xe9")))
    assert os.fsencode(json.loads((tmp_path / "a.json").read_text("utf-8"))) == b"caf\xe9"


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_nothing_is_left_where_writing_fails(tmp_path, monkeypatch, interruption, step):
    there = tmp_path / "there.png"
    there.write_bytes(b"old")

    def fail(*_):
        raise interruption

    monkeypatch.setattr(_whole_files.os, step, fail)
    with pytest.raises(interruption):
        write_whole(there, b"new")
    assert there.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [there]


def test_whoever_writes_by_the_path_and_fails_leaves_nothing(tmp_path):
    there = tmp_path / "model.keras"
    there.write_bytes(b"old")

    def fail():
        with replace_whole(there) as beside:
            assert (beside.suffix, beside.parent) == (".keras", tmp_path)
            beside.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert there.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [there]
    with replace_whole(there) as beside:
        beside.write_bytes(b"whole")
    assert there.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [there]


def test_what_cannot_be_replaced_is_refused_and_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(ValueError, match="Expected a regular file"):
            write_whole(tmp_path / name, b"new")
    assert sorted(os.listdir(tmp_path)) == ["folder", "pipe"]
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "nowhere" / "a.txt", "new")
