import json

import pytest
from autodiff import BACKEND

from keras_sandwich.exporting.formats import FORMATS
from keras_sandwich_command import EXPORT_FORMATS, main


@pytest.mark.once
@pytest.mark.skipif(BACKEND != "torch", reason="written on PyTorch here")
def test_export(tmp_path, model, capsys):
    """The step is baked into nothing here: a sandwich that is not told it."""
    pytest.importorskip("onnxscript")
    target = tmp_path / "exported"
    asked = ["--format", "onnx", "--network", "postprocessor", "--qstep", "24"]
    assert main(["export", model, str(target), *asked]) == 0
    about = json.loads((target / "export.json").read_text())
    assert list(about["networks"]) == ["postprocessor"]
    assert about["qstep"] is None
    size = (target / "postprocessor.onnx").stat().st_size
    assert capsys.readouterr().out == f"{target / 'postprocessor.onnx'}: {size} bytes\n"


@pytest.mark.once
def test_the_formats_are_known_before_keras_is_there():
    assert list(EXPORT_FORMATS) == list(FORMATS)
    for name, backend in EXPORT_FORMATS.items():
        assert FORMATS[name].backends[0] == backend


@pytest.mark.once
def test_a_site_without_a_runtime(tmp_path, model, monkeypatch, capsys):
    if BACKEND == "jax":
        pytest.skip("JAX exports programs of known sizes")
    pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    assert main(["web", model, "site"]) == 1
    assert "npm install onnxruntime-web@" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()
