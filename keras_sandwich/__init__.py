"""Sandwiched compression on Keras 3: networks before and after a standard codec, trained through a proxy of it."""

import sys
from pathlib import Path


def _is_the_command() -> bool:
    """Whether this process is the command `keras-sandwich`, which imports Keras only once it knows that it must."""
    if sys.argv[:1] == ["-m"]:
        return sys.orig_argv[-len(sys.argv)] == "keras_sandwich"
    return bool(sys.argv) and Path(sys.argv[0]).stem == "keras-sandwich"


if not _is_the_command():
    from keras_sandwich import (
        callbacks,
        codecs,
        datasets,
        evaluation,
        files,
        layers,
        losses,
        metrics,
        models,
        ops,
        presets,
        training,
    )
    from keras_sandwich.files import decode_file, encode_file

__version__ = "0.1.0"

__all__ = [
    "callbacks",
    "codecs",
    "datasets",
    "decode_file",
    "encode_file",
    "evaluation",
    "files",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "presets",
    "training",
]
