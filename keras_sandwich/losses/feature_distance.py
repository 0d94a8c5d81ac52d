"""How far apart two pictures are for a network: the squared distance of its features."""

import base64
import functools
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
from keras import ops

from keras_sandwich.losses.picture_distance import PictureDistance


@keras.saving.register_keras_serializable(package="keras_sandwich")
class FeatureDistance(PictureDistance):
    """The loss scale·Σ mean (φ(target) − φ(prediction))² over layers' outputs φ, one number for each sample.

    The feature reconstruction loss of Johnson, Alahi and Fei-Fei (2016): features as they are, not normalized, a mean
    over positions and channels, a sum over layers. The network is a frozen copy, called as in inference.

    Features have a scale of their own, so 1 is no more than a start: `training.calibrate_scale` measures the one that
    makes the loss as large as squared error.

    Example:

    ```python
    import keras
    import numpy as np
    import keras_sandwich as ks

    network = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, activation="relu", name="edges"),
            keras.layers.GlobalAveragePooling2D(name="means"),
        ]
    )
    loss = ks.losses.FeatureDistance(network, ["edges", "means"])
    pictures = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype("float32")
    assert float(loss(pictures, pictures)) == 0.0
    ```

    Args:
        model: a Keras model of one input, which it takes as the loss is given it: what brings pictures into another
            range is a layer of the model; or the path of a `.keras` file. A saved loss holds the path, or where it was
            given a model the model itself, weights and all.
        layers: names of the model's layers whose outputs are compared, of a functional or sequential model; None: the
            model's own outputs.
        scale: what the distance is multiplied with.
        name: the loss's name.
        reduction: as in any Keras loss; a sandwich takes its own mean.
        dtype: of the distances; None is float32, under any policy. The network keeps its own.

    Raises:
        ValueError: no such layer, several inputs, a model that has no graph of layers, a scale that is not positive and
            finite, or a file that is not there.
        TypeError: neither a model nor a path.
    """

    def __init__(
        self,
        model: Any,
        layers: Sequence[str] | None = None,
        scale: float = 1.0,
        name: str = "feature_distance",
        reduction: Any = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(scale, name, reduction, dtype)
        if not isinstance(model, keras.Model | str | os.PathLike):
            raise TypeError(
                f"`model` must be a Keras model or the path of a .keras file. Received {model!r}."
            )
        # What a configuration holds: a path, or a file's bytes as text.
        self._model = _as_text(model) if isinstance(model, keras.Model) else os.fspath(model)
        self.layers = None if layers is None else [str(layer) for layer in layers]
        features = _load(self._model)
        inputs = getattr(features, "inputs", None)  # a subclass may have none
        if inputs and len(inputs) > 1:
            raise ValueError(f"`model` must have one input. Received one with {len(inputs)}.")
        self.rank = len(inputs[0].shape) if inputs else 4
        if self.layers is not None:
            features = _up_to(features, self.layers)
        features.trainable = False
        # As a function: Keras saves the weights of models that it finds on what it saves.
        self._features = functools.partial(features, training=False)

    def distance(self, target: Any, prediction: Any) -> Any:
        outputs = (keras.tree.flatten(self._features(given)) for given in (target, prediction))
        total: Any = 0.0
        for one, other in zip(*outputs, strict=True):
            difference = ops.cast(one, self.dtype) - ops.cast(other, self.dtype)
            squares = ops.reshape(ops.square(difference), (ops.shape(difference)[0], -1))
            total = total + ops.mean(squares, axis=1)
        return total

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "model": self._model, "layers": self.layers}


_PREFIX = "data:application/zip;base64,"


def _as_text(model: Any) -> str:
    """The `.keras` file of a model, as a data URL."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "features.keras")
        model.save(path)
        return _PREFIX + base64.b64encode(path.read_bytes()).decode()


def _load(model: str) -> Any:
    """The model of a path, or of what `_as_text` gave."""
    if not model.startswith(_PREFIX):
        return keras.saving.load_model(model, compile=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "features.keras")
        path.write_bytes(base64.b64decode(model[len(_PREFIX) :]))
        return keras.saving.load_model(path, compile=False)


def _up_to(model: Any, layers: list[str]) -> Any:
    """The part of a model that these layers' outputs need."""
    names = [layer.name for layer in model.layers]
    unknown = [layer for layer in layers if layer not in names]
    if unknown or not layers:
        raise ValueError(f"`layers` must be names of the model's: {names}. Received {layers}.")
    try:
        return keras.Model(model.inputs[0], [model.get_layer(layer).output for layer in layers])
    except AttributeError as error:
        raise ValueError(
            "Outputs of single layers are those of a functional or sequential model. Received a "
            f"{type(model).__name__}; give a model that returns its features, without `layers`."
        ) from error
