"""Sandwiched compression on Keras 3: networks before and after a standard codec, trained through a proxy of it."""

from keras_sandwich import _backend as _backend  # first: its error says what to set

# isort: split
from keras_sandwich import (
    callbacks,
    codecs,
    datasets,
    depth,
    evaluation,
    exporting,
    files,
    inference,
    layers,
    losses,
    metrics,
    models,
    ops,
    pictures,
    presets,
    refinement,
    training,
    web,
)
from keras_sandwich._version import __version__ as __version__
from keras_sandwich.files import decode_file, encode_file
from keras_sandwich.inference import transport

__all__ = [
    "callbacks",
    "codecs",
    "datasets",
    "decode_file",
    "depth",
    "encode_file",
    "evaluation",
    "exporting",
    "files",
    "inference",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "pictures",
    "presets",
    "refinement",
    "training",
    "transport",
    "web",
]
