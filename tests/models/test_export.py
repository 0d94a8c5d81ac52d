"""Networks that run on other machines, without Keras."""

import keras
import numpy as np
import pytest
from autodiff import BACKEND, to_numpy
from photographs import photographs
from small_models import sandwich

SIZES = ((16, 24), (13, 18))


def network_of(side):
    """With a U-Net and resampling in it. Exports take seconds, so no test has more of them than it needs."""
    return getattr(sandwich(networks=True, bottleneck_channels=3, downsample_factor=2), side)


def assert_same(reloaded, network, sizes):
    for size in sizes:
        x = photographs(2, *size).astype("float32")
        np.testing.assert_allclose(reloaded(x), to_numpy(network(x)), rtol=1e-4, atol=2e-2)


@pytest.mark.skipif(BACKEND == "torch", reason="PyTorch exports its own format")
def test_tf_saved_model(tmp_path):
    tf = pytest.importorskip("tensorflow", reason="a SavedModel needs TensorFlow")
    network = network_of("preprocessor")
    # JAX exports a program of known sizes.
    shape = (None, None, None, 3) if BACKEND == "tensorflow" else (2, *SIZES[0], 3)
    signature = [keras.InputSpec(shape=shape, dtype="float32")]
    network.export(
        str(tmp_path / "m"), format="tf_saved_model", input_signature=signature, verbose=False
    )
    saved = tf.saved_model.load(str(tmp_path / "m"))  # it holds the variables
    sizes = SIZES if BACKEND == "tensorflow" else SIZES[:1]
    assert_same(lambda x: saved.serve(x).numpy(), network, sizes)


@pytest.mark.skipif(BACKEND != "torch", reason="PyTorch's own format")
def test_torch(tmp_path):
    import torch

    network = network_of("postprocessor")
    signature = [keras.InputSpec(shape=(2, *SIZES[0], 3), dtype="float32")]
    network.export(
        str(tmp_path / "m.pt2"), format="torch", input_signature=signature, verbose=False
    )
    program = torch.export.load(str(tmp_path / "m.pt2")).module()
    assert_same(lambda x: program(torch.tensor(x)).detach().numpy(), network, SIZES[:1])


@pytest.mark.skipif(BACKEND == "torch", reason="without a signature PyTorch exports one size, 1×1")
@pytest.mark.parametrize("part", ["model", "postprocessor"])
def test_loaded_and_never_called(part, tmp_path):
    tf = pytest.importorskip("tensorflow", reason="a SavedModel needs TensorFlow")
    model = sandwich(bottleneck_channels=3, rate_model="gaussian")  # whose graph is small
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    network = loaded if part == "model" else loaded.postprocessor
    network.export(str(tmp_path / "m"), format="tf_saved_model", verbose=False)
    saved = tf.saved_model.load(str(tmp_path / "m"))  # it holds the variables

    x = photographs(2, *SIZES[0]).astype("float32")
    expected = model(x)["prediction"] if part == "model" else model.postprocessor(x)
    actual = saved.serve(x)["prediction"] if part == "model" else saved.serve(x)
    np.testing.assert_allclose(actual.numpy(), to_numpy(expected), rtol=1e-4, atol=2e-2)


NEEDED = {"tensorflow": "tf2onnx", "jax": "jax2onnx", "torch": "onnxscript"}[BACKEND]


def onnx(network, path, shape):
    """The network as onnxruntime runs it; `shape` None: without a signature."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip(NEEDED, reason=f"Keras exports ONNX with {NEEDED} here")
    options = {"input_signature": [keras.InputSpec(shape=shape, dtype="float32")]} if shape else {}
    network.export(str(path), format="onnx", verbose=False, **options)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


@pytest.mark.skipif(BACKEND != "jax", reason="for pictures of any size below")
def test_onnx_of_one_size(tmp_path):
    network = network_of("postprocessor")
    run_onnx = onnx(network, tmp_path / "m.onnx", (2, *SIZES[0], 3))
    assert_same(run_onnx, network, SIZES[:1])


@pytest.mark.skipif(BACKEND == "jax", reason="JAX exports a program of known sizes")
@pytest.mark.parametrize(
    ("side", "signature"), [("preprocessor", (None, None, None, 3)), ("postprocessor", None)]
)
def test_onnx_of_any_size(side, signature, tmp_path):
    network = network_of(side)
    run_onnx = onnx(network, tmp_path / "m.onnx", signature)
    assert_same(run_onnx, network, (*SIZES, (7, 31)))


@pytest.mark.skipif(BACKEND == "jax", reason="JAX exports a program of known sizes")
def test_onnx_of_macroblocks(tmp_path):
    network = sandwich(patch_size=16, kernel_size=1).preprocessor
    run_onnx = onnx(network, tmp_path / "m.onnx", (None, None, None, 3))
    assert_same(run_onnx, network, (*SIZES, (7, 31)))
