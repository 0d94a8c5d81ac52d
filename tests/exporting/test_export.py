"""Networks as files of other runtimes: each run by its own, on three sizes, against Keras."""

import json
import sys

import numpy as np
import pytest
from autodiff import BACKEND, to_numpy
from photographs import photographs
from small_models import sandwich

import keras_sandwich as ks
from keras_sandwich.exporting import export_networks, load_program
from keras_sandwich.exporting.network_program import WindowProgram
from keras_sandwich.exporting.onnx_files import write_onnx

POST = ["postprocessor"]
SIZES = ((16, 24), (13, 18), (7, 31))
torch_alone = pytest.mark.skipif(BACKEND != "torch", reason="written on PyTorch here")
tensorflow_alone = pytest.mark.skipif(BACKEND != "tensorflow", reason="written on TensorFlow")
on_either = pytest.mark.skipif(BACKEND == "jax", reason="JAX exports programs of known sizes")


def conditioned(factor=2):
    """Told the step, on patches and blocks, at half the size. Exports take seconds: no test has more than it needs."""
    return sandwich(
        networks=True,
        bottleneck_channels=3,
        downsample_factor=factor,
        qstep_range=(8.0, 96.0),
        unet_patch_size=2,
        unet_block_size=8,
    )


def needs(*modules):
    for module in modules:
        pytest.importorskip(module, reason=f"{module} is not installed")


def pictures_for(network, *size):
    """A photograph of as many channels as a network takes."""
    return photographs(1, *size)[..., : network.input_channels]


def keras_runs(side, x, qstep=None):
    step = {} if qstep is None else {"qstep": np.full(1, qstep, "float32")}
    return to_numpy(side(x, **step))


def assert_same(folder, about, model, side, qsteps=(8.0, 96.0), sizes=SIZES, atol=2e-3):
    """The exported network's results and Keras' differ by the rounding of float32."""
    run = load_program(folder / about["networks"][side]["file"])
    network = getattr(model, side)
    results = []
    for size in sizes:
        x = pictures_for(network, *size).astype("float32")
        for qstep in qsteps:
            told = {"qstep": np.full(1, qstep, "float32")} if qstep is not None else {}
            results.append(run(images=x, **told))
            expected = keras_runs(network, x, qstep)
            np.testing.assert_allclose(results[-1], expected, rtol=0, atol=atol)
    return results


@on_either
def test_onnx_is_told_the_step(tmp_path):
    needs("onnxruntime", {"torch": "onnxscript", "tensorflow": "tf2onnx"}[BACKEND])
    factor = (
        2 if BACKEND == "torch" else 1
    )  # which takes tf2onnx minutes; tests/models/test_export.py has it
    model = conditioned(factor)
    about = export_networks(model, tmp_path, networks=POST)
    (size,) = SIZES[1:2]
    fine, coarse = assert_same(tmp_path, about, model, "postprocessor")[2:4]
    assert fine.shape == (1, factor * size[0], factor * size[1], 3)
    assert np.abs(fine - coarse).max() > 0.1  # it is an input, not a constant

    described = json.loads((tmp_path / "export.json").read_text())
    assert described == about
    assert about["qstep"] == [8.0, 96.0]
    entry = about["networks"]["postprocessor"]
    assert entry["inputs"] == {"images": [None, None, None, 3], "qstep": [1]}
    assert entry["fingerprint"] == ks.presets.fingerprint(model.postprocessor)
    assert entry["bytes"] == (tmp_path / "postprocessor.onnx").stat().st_size


@torch_alone
def test_a_side_that_enlarges_by_dct(tmp_path):
    """As a window too: what the page runs, for windows of whole blocks."""
    onnxruntime = pytest.importorskip("onnxruntime")
    needs("onnxscript")
    side = sandwich(bottleneck_channels=3, downsample_factor=2, resampling="dct").postprocessor
    program = WindowProgram(side)
    assert not program.resamples
    write_onnx(program, tmp_path / "m.onnx", program.signature(3))
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    for size in ((16, 24), (8, 40)):
        x = photographs(1, *size).astype("float32")
        (restored,) = session.run(None, {"images": x})
        assert restored.shape == (1, 2 * size[0], 2 * size[1], 3)
        np.testing.assert_allclose(restored, keras_runs(side, x), rtol=0, atol=2e-3)


@torch_alone
def test_float16_stores_the_same_network_in_half(tmp_path):
    needs("onnxruntime", "onnxscript")
    import onnx

    model = sandwich(networks=True)
    pictures = list(photographs(2, 64, 64))
    asked = {"precision": "float16", "networks": ["preprocessor"], "pictures": pictures}
    about = export_networks(model, tmp_path, **asked)
    entry = about["networks"]["preprocessor"]
    assert_same(tmp_path, about, model, "preprocessor", (None,), atol=0.3)
    assert abs(entry["decibels_lost"]) < 0.02
    assert abs(entry["bits"] - 1) < 0.01

    weights = onnx.load(tmp_path / "preprocessor.onnx").graph.initializer
    halves = [weight for weight in weights if weight.data_type == onnx.TensorProto.FLOAT16]
    sizes = [np.prod(weight.shape) for weight in model.preprocessor.weights]
    assert sorted(np.prod(half.dims) for half in halves) == sorted(n for n in sizes if n >= 64)


@torch_alone
def test_int8_says_what_it_loses(tmp_path):
    """Of a postprocessor whose step is baked in."""
    needs("onnxruntime", "onnxscript")
    model = conditioned()
    about = export_networks(
        model,
        tmp_path,
        precision="int8",
        networks=POST,
        qstep=20,
        pictures=list(photographs(2, 64, 64)),
    )
    assert about["qstep"] == 20
    entry = about["networks"]["postprocessor"]
    assert list(entry["inputs"]) == ["images"]

    import onnx

    kinds = [node.op_type for node in onnx.load(tmp_path / "postprocessor.onnx").graph.node]
    assert kinds.count("QuantizeLinear") >= 4  # the U-Net's convolutions, not the linear path's
    assert abs(entry["decibels_lost"]) < 0.5
    run = load_program(tmp_path / "postprocessor.onnx")
    x = pictures_for(model.postprocessor, *SIZES[1]).astype("float32")
    expected = keras_runs(model.postprocessor, x, 20.0)
    assert 0 < np.abs(run(images=x) - expected).mean() < 2  # eight bits of what the U-Net adds


@torch_alone
def test_openvino(tmp_path):
    needs("openvino", "onnxscript")
    model = sandwich(networks=True)
    about = export_networks(model, tmp_path, "openvino", networks=POST)
    assert_same(tmp_path, about, model, "postprocessor", (None,))
    assert about["networks"]["postprocessor"]["bytes"] > (
        (tmp_path / "postprocessor.xml").stat().st_size
    )


@torch_alone
def test_torch_is_of_one_size(tmp_path):
    model = sandwich(networks=True)
    about = export_networks(model, tmp_path, "torch", networks=POST, size=SIZES[0])
    assert list(about["networks"]) == POST
    assert about["networks"]["postprocessor"]["inputs"] == {"images": [1, *SIZES[0], 1]}
    assert_same(tmp_path, about, model, "postprocessor", (None,), SIZES[:1])


@tensorflow_alone
@pytest.mark.parametrize(("precision", "factor"), [("float32", 2), ("int8", 1)])
def test_litert(tmp_path, precision, factor):
    needs("ai_edge_litert")
    model = conditioned(factor)
    about = export_networks(
        model,
        tmp_path,
        "litert",
        precision=precision,
        networks=POST,
        pictures=list(photographs(2, 64, 64)),
    )
    entry = about["networks"]["postprocessor"]
    if precision == "float32":
        assert_same(tmp_path, about, model, "postprocessor")
        assert "decibels_lost" not in entry
    else:
        assert_same(tmp_path, about, model, "postprocessor", atol=12.0)
        assert abs(entry["decibels_lost"]) < 1


@tensorflow_alone
def test_saved_model(tmp_path):
    model = conditioned()
    about = export_networks(model, tmp_path, "tf_saved_model", networks=["preprocessor"])
    assert_same(tmp_path, about, model, "preprocessor")
    assert about["networks"]["preprocessor"]["bytes"] > 4 * model.preprocessor.count_params()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"format": "caffe"}, "'onnx', 'openvino', 'litert'"),
        ({"format": "onnx", "precision": "int4"}, "'float32', 'float16', 'int8'"),
        ({"format": "torch", "precision": "int8"}, "'onnx', 'openvino', 'litert' have"),
        ({"format": "torch"}, "of one size"),
    ],
)
@pytest.mark.once
def test_what_cannot_be_written(tmp_path, asked, words):
    with pytest.raises(ValueError, match=words):
        export_networks(sandwich(), tmp_path, **asked)


def test_another_backend_is_named(tmp_path):
    form = {"torch": "litert", "tensorflow": "torch", "jax": "onnx"}[BACKEND]
    other = {"torch": "tensorflow"}.get(BACKEND, "torch")
    with pytest.raises(ValueError, match=f"runs on {BACKEND} here.*KERAS_BACKEND={other}"):
        export_networks(sandwich(), tmp_path, form, size=(16, 16))


@pytest.mark.once
def test_pictures_that_cannot_be_calibrated_on(tmp_path):
    if BACKEND == "jax":
        pytest.skip("JAX exports programs of known sizes")
    for pictures, words in (
        ([], "Received none"),
        ([np.zeros((3, 3))], "one of shape"),
    ):
        with pytest.raises(ValueError, match=words):
            export_networks(sandwich(), tmp_path, precision="int8", pictures=pictures)
    with pytest.raises(ValueError, match=r"at least 64×64 pixels\. Received one of 32×40"):
        export_networks(
            sandwich(), tmp_path, precision="int8", pictures=list(photographs(1, 40, 32))
        )


@pytest.mark.once
@pytest.mark.parametrize(
    ("absent", "form", "extra"),
    [("onnx", "onnx", "onnx"), ("openvino", "openvino", "openvino"), ("tf2onnx", "onnx", "onnx")],
)
def test_what_is_missing_is_named(tmp_path, monkeypatch, absent, form, extra):
    if BACKEND == "jax":
        pytest.skip("JAX exports programs of known sizes")
    absent = "onnxscript" if (absent, BACKEND) == ("tf2onnx", "torch") else absent
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(ImportError, match=rf"pip install \"keras-sandwich\[{extra}\]\""):
        export_networks(sandwich(), tmp_path, form)


@pytest.mark.once
def test_what_is_no_exported_network(tmp_path):
    (tmp_path / "network.txt").write_text("words")
    for path in (tmp_path, tmp_path / "network.txt", tmp_path / "missing.onnx"):
        with pytest.raises(ValueError, match=r"\.onnx, \.xml, \.tflite, \.pt2, or the folder"):
            load_program(path)
