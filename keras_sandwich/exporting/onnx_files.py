"""ONNX files: written by Keras, their parts named, their weights halved or quantized."""

import logging
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sandwich._optional import import_library
from keras_sandwich.exporting.network_program import RESULT, NetworkProgram

CONVERTERS = {"torch": "onnxscript", "tensorflow": "tf2onnx"}
LEAST_HALVED = 64  # elements: what is smaller weighs nothing, and may be an exponent or a bound
LINEAR_PATH = "/mlp"  # of a processor's names in the graph: it carries the picture, which eight bits would spoil


def write_onnx(
    program: NetworkProgram,
    path: Path,
    signature: Sequence[Any],
    precision: str = "float32",
    samples: Iterable[Mapping[str, np.ndarray]] = (),
) -> None:
    """Writes a program as an ONNX file whose inputs have the signature's names and whose output is "result".

    Args:
        program: to be written.
        path: of the file.
        signature: its inputs.
        precision: "float16" stores the weights so, for a program that computes in float32; "int8" quantizes the U-Net's
            convolutions, calibrated on samples.
        samples: inputs by name, of pictures such as will be seen.
    """
    onnx = import_library("onnx", "Exporting to ONNX", "onnx")
    import_library(CONVERTERS[keras.backend.backend()], "Exporting to ONNX", "onnx")
    if precision == "int8":
        import_library("onnxruntime.quantization", "Quantizing to eight bits", "onnx")
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, "plain.onnx")
        program.export(str(plain), format="onnx", input_signature=list(signature), verbose=False)
        model = onnx.load(plain)
        _name_parts(model.graph, [spec.name for spec in signature])
        if precision == "float16":
            _halve_weights(onnx, model.graph)
        if precision == "int8":
            model = _quantized(onnx, model, Path(folder), samples)
        model.producer_name = "keras-sandwich"
        onnx.save(model, path)


def _name_parts(graph: Any, inputs: Sequence[str]) -> None:
    """Names that callers can rely on, whichever backend wrote the graph."""
    new = dict(zip((part.name for part in graph.input), inputs, strict=True))
    new[graph.output[0].name] = RESULT
    for part in (*graph.input, *graph.output):
        part.name = new[part.name]
    _rename(graph, new)


def _rename(graph: Any, new: Mapping[str, str]) -> None:
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [new.get(name, name) for name in names]
        for attribute in node.attribute:  # what a branch reads may come from outside it
            if attribute.HasField("g"):
                _rename(attribute.g, new)


def _halve_weights(onnx: Any, graph: Any) -> None:
    """Weights as float16, each cast to float32 before it is used: runtimes do that once, when they load the file."""
    float32 = onnx.TensorProto.FLOAT
    casts = []
    for weight in graph.initializer:
        if weight.data_type != float32 or np.prod(weight.dims) < LEAST_HALVED:
            continue
        name = weight.name
        half = onnx.numpy_helper.to_array(weight).astype("float16")
        weight.CopyFrom(onnx.numpy_helper.from_array(half, f"{name}:half"))
        casts.append(onnx.helper.make_node("Cast", [weight.name], [name], to=float32))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])


def _reader(quantization: Any, samples: Iterable[Mapping[str, np.ndarray]]) -> Any:
    """The samples as ONNX Runtime asks for them: one after the other, then None."""
    left = iter(samples)
    methods = {"get_next": lambda _: next(left, None)}
    return type("Samples", (quantization.CalibrationDataReader,), methods)()


def _quantized(
    onnx: Any, model: Any, folder: Path, samples: Iterable[Mapping[str, np.ndarray]]
) -> Any:
    """The convolutions of the U-Net in eight bits: weights per channel, features by the ranges seen in the samples."""
    quantization = import_library("onnxruntime.quantization", "Quantizing to eight bits", "onnx")
    named, quantized = folder / "named.onnx", folder / "quantized.onnx"
    onnx.save(model, named)

    kept = [node.name for node in model.graph.node if LINEAR_PATH in node.name]
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it advises a step that needs known sizes
    try:
        quantization.quantize_static(
            named,
            quantized,
            _reader(quantization, samples),
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=kept,
            per_channel=True,
            weight_type=quantization.QuantType.QInt8,
            activation_type=quantization.QuantType.QUInt8,
        )
    finally:
        root.setLevel(level)
    return onnx.load(quantized)
