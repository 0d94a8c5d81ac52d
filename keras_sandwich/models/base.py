"""Models that refuse the weights of another model, in words."""

from collections.abc import MutableMapping
from typing import Any

import keras
import numpy as np

COUNTS = "counts"


class MatchingWeights(keras.Model):
    """A model that says so if a file holds other weights than its own.

    Keras looks in the file for each weight of the model, and never at what is left: a large network's file loads
    into a small one without a word. So the file holds the number of weights and of parameters too.
    """

    def _counts(self) -> np.ndarray:
        return np.array([len(self.weights), self.count_params()], "int64")

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        super().save_own_variables(store)
        store[COUNTS] = self._counts()

    def load_own_variables(self, store: MutableMapping[str, Any]) -> None:
        names = set(store.keys())
        super().load_own_variables({name: store[name] for name in names - {COUNTS}})
        own = self._counts()
        saved = store[COUNTS] if COUNTS in names else own
        if not np.array_equal(saved, own):
            raise ValueError(
                f"{type(self).__name__} '{self.name}' has {own[0]} weights with {own[1]:,} parameters. "
                f"Received a file with {saved[0]} weights with {saved[1]:,} parameters for it; make the "
                "model with the arguments of the one that was saved, or load what fits with "
                "`load_weights(…, skip_mismatch=True)`."
            )


class ExportableWhenBuilt(keras.Model):
    """Keras exports only what was called, and a loaded model was not."""

    def export(self, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.export`, also of a model that was loaded or built and never called."""
        shapes = (self.get_build_config() or {}).get("input_shape")
        if shapes is not None and not kwargs.get("input_signature"):
            several = isinstance(shapes, dict)
            inputs = (
                {key: keras.KerasTensor(tuple(shape)) for key, shape in shapes.items()}
                if several
                else keras.KerasTensor(tuple(shapes))
            )
            self(inputs)
        return super().export(*args, **kwargs)


def keep_frozen(layer: Any) -> None:
    """Freezes the weights of a layer that is marked as frozen.

    Those of a layer that was frozen before it was built, or was loaded, may not be: Keras marks what there is at the
    time, and on TensorFlow nothing if the mark is there already.
    """
    if not layer.trainable:
        for weight in layer.weights:
            weight.trainable = False
