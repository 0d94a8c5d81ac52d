"""File names that are no text in the encoding of the file system, and names that an output cannot show."""

import io
import json
import os
import shutil
import sys

import pytest

import keras_sandwich as ks
from keras_sandwich.files.record import RECORD
from keras_sandwich_command import main

NO_UTF8 = os.fsdecode(b"caf\xe9")


@pytest.fixture
def printed(monkeypatch):
    """What is printed to an output that refuses what its encoding cannot show."""

    def of(encoding):
        output = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
        monkeypatch.setattr(sys, "stdout", output)
        return output

    return of


def named(pictures, folder, name):
    """A folder with one picture of that name."""
    folder.mkdir()
    try:
        return shutil.copy(pictures / "a.png", folder / f"{name}.png")
    except OSError:
        pytest.skip("a file system whose names are UTF-8 alone")


@pytest.mark.parametrize(
    ("encoding", "name", "shown"),
    [
        ("utf-8", NO_UTF8, r"caf\udce9.jpg"),
        ("ascii", "café", r"caf\xe9.jpg"),
        ("latin-1", "日", r"\u65e5.jpg"),
        ("utf-8", "café", "café.jpg"),
    ],
)
def test_what_is_written_is_named(tmp_path, pictures, model, printed, encoding, name, shown):
    source = named(pictures, tmp_path / "named", name)
    output = printed(encoding)
    target = tmp_path / f"{name}.jpg"
    arguments = ["--model", model, "--strength", "9"]
    assert main(["encode", str(source), str(target), *arguments]) == 0
    output.flush()
    assert shown in output.buffer.getvalue().decode(encoding)
    assert ks.files.read_info(target).file_size == target.stat().st_size
    assert main(["decode", str(target), str(tmp_path / f"{name}.png"), "--model", model]) == 0
    assert main(["encode", str(source.parent), str(tmp_path / "coded"), *arguments]) == 0
    assert sorted(os.listdir(tmp_path / "coded")) == sorted([RECORD, f"{name}.jpg"])


def test_what_programs_read_is_json_in_any_encoding(tmp_path, pictures, model, printed):
    ks.encode_file(pictures / "a.png", tmp_path / "a.jpg", model, strength=9)
    output = printed("ascii")
    assert main(["info", str(tmp_path / "a.jpg"), "--json"]) == 0
    output.flush()
    assert json.loads(output.buffer.getvalue())["output size"] == "56×40"


def test_an_evaluation_keeps_the_name(tmp_path, pictures, model, printed):
    pytest.importorskip("matplotlib")
    source = named(pictures, tmp_path / "named", NO_UTF8)
    shutil.copytree(model, tmp_path / NO_UTF8)
    printed("utf-8")
    target = tmp_path / f"results {NO_UTF8}"
    arguments = ["evaluate", str(tmp_path / NO_UTF8), str(source.parent), str(target)]
    assert main([*arguments, "--strengths", "4", "32", "--rates", "1"]) == 0
    curve = ks.evaluation.load_results(target / "sandwich.json")
    assert curve.pictures == [f"{NO_UTF8}.png"]
    report = (target / "report.html").read_text(encoding="utf-8")
    assert r"caf\xe9.png" in report
