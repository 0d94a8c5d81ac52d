"""Sandwiched compression on Keras 3: networks before and after a standard codec, trained through a proxy of it."""

from keras_sandwich import (
    callbacks,
    codecs,
    datasets,
    evaluation,
    layers,
    losses,
    metrics,
    models,
    ops,
    presets,
)

__version__ = "0.1.0"

__all__ = [
    "callbacks",
    "codecs",
    "datasets",
    "evaluation",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "presets",
]
