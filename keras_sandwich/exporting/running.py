"""Exported networks, run by their own runtimes: NumPy in, NumPy out, no Keras."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keras_sandwich._optional import import_library
from keras_sandwich.exporting.network_program import IMAGES

Program = Callable[..., np.ndarray]


def load_program(path: str | os.PathLike[str]) -> Program:
    """An exported network as a function.

    Example:

    ```python
    import keras
    import numpy as np
    import keras_sandwich as ks

    model = ks.models.create_linear_baseline(3)
    if keras.backend.backend() == "torch":  # or "tensorflow"
        ks.exporting.export_networks(model, "exported", format="onnx")
        restore = ks.exporting.load_program("exported/postprocessor.onnx")
        assert restore(images=np.full((1, 31, 45, 3), 90.0, "float32")).shape == (1, 31, 45, 3)
    ```

    Args:
        path: the network's file or folder.

    Returns:
        A function of the network's inputs by name, float32 arrays, that returns its result.

    Raises:
        ValueError: no file of a known format.
        ImportError: its runtime is not installed.
    """
    path = Path(path)
    suffix = path.suffix if path.is_file() else ""
    if (suffix == "" and not (path / "saved_model.pb").is_file()) or suffix not in _LOADERS:
        raise ValueError(
            f"Expected a file of {', '.join(filter(None, _LOADERS))}, or the folder of a SavedModel, as "
            f"`export_networks` writes them. Received {str(path)!r}."
        )
    return _LOADERS[suffix](path)


def _onnx(path: Path) -> Program:
    runtime = import_library("onnxruntime", "Running an ONNX file", "onnx")
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def run(**inputs: np.ndarray) -> np.ndarray:
        return np.asarray(session.run(None, inputs)[0])

    return run


def _openvino(path: Path) -> Program:
    openvino = import_library("openvino", "Running an OpenVINO file", "openvino")
    # By itself it computes in bfloat16 where the processor can, which the picture's path does not bear.
    precise = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", precise)

    def run(**inputs: np.ndarray) -> np.ndarray:
        return np.array(compiled(inputs)[0])

    return run


def _litert(path: Path) -> Program:
    litert = import_library("ai_edge_litert.interpreter", "Running a LiteRT file", "litert")
    interpreter = litert.Interpreter(str(path))
    details = {entry["name"]: entry["index"] for entry in interpreter.get_input_details()}
    output = interpreter.get_output_details()[0]["index"]

    def run(**inputs: np.ndarray) -> np.ndarray:
        places = {name: _place(details, name) for name in inputs}
        interpreter.resize_tensor_input(places[IMAGES], inputs[IMAGES].shape)
        interpreter.allocate_tensors()
        for name, value in inputs.items():
            interpreter.set_tensor(places[name], value)
        interpreter.invoke()
        return np.array(interpreter.get_tensor(output))

    return run


def _place(details: dict[str, int], name: str) -> int:
    """The index of an input, which LiteRT calls "serving_default_NAME:0"."""
    return next(index for full, index in details.items() if full.endswith(f"_{name}:0"))


def _saved_model(path: Path) -> Program:
    tf = import_library("tensorflow", "Running a SavedModel", "tensorflow")
    saved = tf.saved_model.load(str(path))

    def run(**inputs: np.ndarray) -> np.ndarray:
        assert saved is not None  # it holds the variables
        return np.asarray(saved.serve(*inputs.values()))

    return run


def _torch(path: Path) -> Program:
    torch = import_library("torch", "Running a PyTorch program", "torch")
    module = torch.export.load(path).module()

    def run(**inputs: np.ndarray) -> np.ndarray:
        result = module(*(torch.from_numpy(value) for value in inputs.values()))
        return np.asarray(result.detach().numpy())

    return run


_LOADERS: dict[str, Callable[[Path], Any]] = {
    ".onnx": _onnx,
    ".xml": _openvino,
    ".tflite": _litert,
    ".pt2": _torch,
    "": _saved_model,
}
