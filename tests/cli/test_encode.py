import sys

import numpy as np
import pytest
from PIL import Image, ImageCms

import keras_sandwich as ks
from keras_sandwich.files import corpus
from keras_sandwich_command import main


def encoding(source, target, model):
    """The arguments that code a file or a folder."""
    return ["encode", str(source), str(target), "--model", model, "--strength", "9"]


def files_in(folder):
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("[!.]*") if path.is_file()
    )


def test_a_file_there_and_back(tmp_path, pictures, model, capsys):
    coded, restored = tmp_path / "a.jpg", tmp_path / "a.png"
    arguments = ["encode", str(pictures / "a.png"), str(coded), "--model", model]
    assert main([*arguments, "--target-size", "1.5k"]) == 0
    assert coded.stat().st_size <= 1500
    assert f"{coded.stat().st_size} bytes" in capsys.readouterr().out
    ks.encode_file(pictures / "a.png", tmp_path / "b.jpg", model, target_size=1500)
    assert (tmp_path / "b.jpg").read_bytes() == coded.read_bytes()
    assert main(["decode", str(coded), str(restored), "--model", model]) == 0
    ks.decode_file(coded, tmp_path / "b.png", model)
    assert np.array_equal(
        np.asarray(Image.open(restored)), np.asarray(Image.open(tmp_path / "b.png"))
    )


def test_effort(tmp_path, pictures, model, capsys):
    arguments = ["--model", model, "--target-size", "1.5k", "--effort", "3"]
    assert main(["encode", str(pictures / "a.png"), str(tmp_path / "a.jpg"), *arguments]) == 0
    assert "3/3" in capsys.readouterr().err
    ks.encode_file(pictures / "a.png", tmp_path / "b.jpg", model, target_size=1500, effort=3)
    assert (tmp_path / "b.jpg").read_bytes() == (tmp_path / "a.jpg").read_bytes()
    assert main(["encode", str(pictures), str(tmp_path / "coded"), *arguments]) == 0
    refined = (tmp_path / "coded" / "a.jpg").read_bytes()
    assert refined == (tmp_path / "a.jpg").read_bytes()
    target = str(tmp_path / "a.webp")
    assert main(["encode", str(pictures / "a.png"), target, *arguments]) == 1
    assert "refines the coefficients of JPEG files" in capsys.readouterr().err


def test_a_folder_there_and_back(tmp_path, pictures, model, capsys):
    coded, restored = tmp_path / "coded", tmp_path / "restored"
    arguments = ["encode", str(pictures), str(coded), "--model", model, "--bits-per-pixel", "6"]
    assert main([*arguments, "--format", "webp"]) == 0
    assert files_in(coded) == ["a.webp", "b.webp", "deeper/c.webp"]
    assert "3 of 3 files written" in capsys.readouterr().out
    (coded / "b.webp").unlink()
    assert main([*arguments, "--format", "webp"]) == 0
    assert "1 of 3 files written, 2 were there" in capsys.readouterr().out
    assert main(["decode", str(coded), str(restored), "--model", model]) == 0
    assert files_in(restored) == ["a.png", "b.png", "deeper/c.png"]
    assert all(Image.open(restored / name).size == (56, 40) for name in files_in(restored))


def test_a_bad_picture_does_not_stop_the_others(tmp_path, pictures, model, capsys):
    (pictures / "bad.png").write_bytes(b"no picture")
    Image.new("RGB", (8, 8)).save(pictures / "a.bmp")
    assert main(encoding(pictures, tmp_path / "coded", model)) == 1
    assert files_in(tmp_path / "coded") == ["a.jpg", "b.jpg", "deeper/c.jpg"]
    output = capsys.readouterr()
    assert "3 of 5 files written" in output.out
    failures = [
        line for line in output.err.splitlines() if line.startswith("keras-sandwich: failed")
    ]
    assert len(failures) == 2
    assert any("bad.png' cannot be read" in line for line in failures)
    assert any("a.png' would be written to" in line for line in failures)


@pytest.mark.parametrize("kind", [ValueError, RuntimeError])
def test_a_failure_names_its_file(tmp_path, pictures, model, capsys, monkeypatch, kind):
    def refuse(source, *arguments, **options):
        if source.name == "a.png":
            raise kind("the encoder could not be opened")
        return ks.encode_file(source, *arguments, **options)

    monkeypatch.setattr(corpus, "encode_file", refuse)
    assert main(encoding(pictures, tmp_path / "coded", model)) == 1
    assert files_in(tmp_path / "coded") == ["b.jpg", "deeper/c.jpg"]
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert line.endswith("a.png': the encoder could not be opened")


def test_a_folder_without_the_library_of_its_progress(
    tmp_path, pictures, model, capsys, monkeypatch
):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert main(encoding(pictures, tmp_path / "coded", model)) == 1
    assert "keras-sandwich[codecs]" in capsys.readouterr().err


@pytest.mark.parametrize("spelling", ["jpg", "jpeg"])
def test_a_format_that_the_name_spells_otherwise(tmp_path, pictures, model, spelling):
    target = tmp_path / "a.JPEG"
    assert main([*encoding(pictures / "a.png", target, model), "--format", spelling]) == 0
    assert Image.open(target).format == "JPEG"


def test_failures_are_said_in_a_line(tmp_path, pictures, model, capsys):
    for arguments, reason in (
        (encoding(tmp_path / "no.png", "a.jpg", model), "no.png"),
        (encoding(pictures, pictures / "x", model), "outside"),
        (["decode", str(pictures / "a.png"), str(tmp_path / "x.png")], "no JPEG"),
        (encoding(pictures, pictures / "a.png", model), "written to a folder"),
        (
            [*encoding(pictures / "a.png", "a.jpg", model), "--format", "webp"],
            "--format is for folders",
        ),
        (["info", "nothing"], "no bundled preset"),
        (["info", str(tmp_path / "nothing.keras")], "nothing.keras"),
        (["info", str(pictures / "a.png")], "no JPEG"),
        (
            ["train", str(tmp_path / "nowhere"), str(tmp_path / "x"), "--steps", "1"],
            "no such folder",
        ),
    ):
        assert main(arguments) == 1
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert lines[0].startswith("keras-sandwich: error: ")
        assert reason in lines[0]


def test_warnings_are_said_in_a_line(tmp_path, pictures, model, capsys):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.open(pictures / "a.png").save(tmp_path / "a.png", icc_profile=srgb)
    ks.encode_file(tmp_path / "a.png", tmp_path / "a.jpg", model, strength=9)
    assert main(["decode", str(tmp_path / "a.jpg"), str(tmp_path / "a.bmp"), "--model", model]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("keras-sandwich: warning: A .bmp file cannot hold")


def test_an_interruption(tmp_path, pictures, model, capsys, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(corpus, "encode_file", interrupt)
    assert main(encoding(pictures, tmp_path / "coded", model)) == 130
    assert "interrupted" in capsys.readouterr().err
    assert files_in(tmp_path / "coded") == []


def test_a_format_that_no_codec_writes(tmp_path, pictures, model, capsys):
    coded = tmp_path / "coded"
    assert main([*encoding(pictures, coded, model), "--format", "png"]) == 1
    assert "'.avif'" in capsys.readouterr().err
    arguments = ["decode", str(pictures), str(coded), "--model", model, "--format", "jpg"]
    assert main(arguments) == 1
    assert "'.png'" in capsys.readouterr().err
    assert not coded.exists()
