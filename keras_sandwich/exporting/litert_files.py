"""LiteRT's files, by TensorFlow's converter."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_sandwich._optional import import_library
from keras_sandwich.exporting.network_program import NetworkProgram


def write_litert(
    program: NetworkProgram, path: Path, signature: Sequence[Any], precision: str = "float32"
) -> None:
    """Writes a program as a .tflite file of LiteRT's own operations.

    "int8" stores the weights in eight bits and rounds features as they come, by each one's own range: quantized whole,
    the linear path would carry the picture in eight bits too.
    """
    tf = import_library("tensorflow", "Exporting to LiteRT", "tensorflow")
    target: dict[str, Any] = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}
    if precision == "float16":
        target["supported_types"] = [tf.float16]
    smaller = [] if precision == "float32" else [tf.lite.Optimize.DEFAULT]
    program.export(
        str(path),
        format="litert",
        input_signature=list(signature),
        verbose=False,
        optimizations=smaller,
        target_spec=target,
    )
