"""OpenVINO's files: of a program's ONNX file."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_sandwich._optional import import_library
from keras_sandwich.exporting.network_program import NetworkProgram
from keras_sandwich.exporting.onnx_files import write_onnx


def write_openvino(
    program: NetworkProgram,
    path: Path,
    signature: Sequence[Any],
    precision: str = "float32",
    samples: Iterable[Mapping[str, np.ndarray]] = (),
) -> None:
    """Writes a program as OpenVINO's .xml file, its weights in a .bin file beside; arguments as of `write_onnx`."""
    openvino = import_library("openvino", "Exporting to OpenVINO", "openvino")
    with tempfile.TemporaryDirectory() as folder:
        onnx = Path(folder, "program.onnx")
        # OpenVINO halves weights itself.
        write_onnx(program, onnx, signature, "int8" if precision == "int8" else "float32", samples)
        model = openvino.convert_model(onnx)
        openvino.save_model(model, path, compress_to_fp16=precision == "float16")
