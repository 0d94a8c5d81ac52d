import re
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

import keras_sandwich as ks
from keras_sandwich.cli import evaluate
from keras_sandwich_command import main


@pytest.mark.once
def test_evaluation_without_matplotlib_measures_nothing(
    tmp_path, pictures, model, capsys, monkeypatch
):
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    assert main(["evaluate", model, str(pictures), str(tmp_path / "results")]) == 1
    output = capsys.readouterr()
    assert "keras-sandwich[plots]" in output.err
    assert "sandwich" not in output.out


@pytest.mark.once
def test_evaluation(tmp_path, pictures, model, capsys):
    pytest.importorskip("matplotlib")
    shutil.rmtree(pictures / "deeper")
    target = tmp_path / "results"
    arguments = ["evaluate", model, str(pictures), str(target), "--strengths", "4", "8", "16", "32"]
    assert main([*arguments, "--rates", "1", "--metrics", "ssim-rgb"]) == 0
    assert re.search(r"bpp, SSIM \d", (target / "report.html").read_text(encoding="utf-8"))
    capsys.readouterr()
    assert main([*arguments, "--rates", "1", "--metrics", "psnr-rgb", "ssim-rgb"]) == 0
    table = capsys.readouterr().out
    assert (target / "table.txt").read_text(encoding="utf-8") in table
    for name in (
        *("sandwich", "linear_baseline_modulated_chroma"),
        *("codec_alone", "codec_alone_luma_only_4_0_0"),
    ):
        curve = ks.evaluation.load_results(target / f"{name}.json")
        measured = np.where(curve.measured or True, curve.strengths, 4)
        assert set(measured.tolist()) <= {4, 8, 16, 32}
        assert curve.pictures == ["a.png", "b.webp"]
    direct = ks.evaluation.rd_curve(
        ks.models.CompressIntraModel.from_preset(model),
        list(ks.datasets.load_images(pictures).values()),
        ks.codecs.JPEG(),
        [4, 8, 16, 32],
        verbose=0,
    )
    saved = ks.evaluation.load_results(target / "sandwich.json")
    assert np.array_equal(saved.bpp, direct.bpp)
    assert np.array_equal(saved.psnr, direct.psnr)
    assert Image.open(target / "psnr-rgb.png").size[0] > 500
    assert "<html" in (target / "report.html").read_text(encoding="utf-8")


@pytest.mark.once
def test_pictures_that_are_coded_already(tmp_path, pictures, model, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    for name in ("a.png", "b.webp"):
        target = (pictures / name).with_suffix(".jpg")
        ks.encode_file(pictures / name, target, model, strength=9)

    def measured(*_, **__):
        raise ValueError("not measured here")

    monkeypatch.setattr(evaluate, "rd_curve", measured)
    assert main(["evaluate", model, str(pictures), str(tmp_path / "results")]) == 1
    warning, error = capsys.readouterr().err.splitlines()
    assert "2 of the 5 pictures are files that `encode` wrote" in warning
    assert "a.jpg, b.jpg" in warning
    assert error.endswith("not measured here")


@pytest.mark.once
@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--format", "xyz", ".avif"),
        ("--format", "png", "choose a lossy one"),
        ("--metrics", "mos", "psnr-luma"),
    ],
)
def test_what_cannot_be_measured(tmp_path, pictures, model, capsys, option, value, expected):
    pytest.importorskip("matplotlib")
    target = tmp_path / "results"
    assert main(["evaluate", model, str(pictures), str(target), option, value]) == 1
    assert expected in capsys.readouterr().err
    assert not target.exists()
