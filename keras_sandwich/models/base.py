"""The base of every network here: weights that must match, parts that stay frozen, files that other backends read."""

import inspect
from collections.abc import MutableMapping
from typing import Any

import keras
import numpy as np

COUNTS = "counts"


class Network(keras.Model):
    """A Keras model that refuses another model's weights, in words, and moves between backends as a file.

    Keras looks in a file for each weight of the model, and never at what is left: a large network's file loads into a
    small one without a word. So the file holds the number of weights and of parameters too.
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

    @staticmethod
    def build_part(part: Any, shape: Any) -> None:
        """Builds a layer of this model, if it is not built, and freezes its weights if it is marked as frozen.

        Those of a layer that was frozen before it was built, or was loaded, may not be: Keras marks what there is at
        the time, and on TensorFlow nothing if the mark is there already.
        """
        if not part.built:
            part.build(shape)
        if not part.trainable:
            for weight in part.weights:
                weight.trainable = False

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

    @property
    def _default_save_signature(self) -> Any:
        """What Keras on TensorFlow traces of every layer within what is exported: from its first input alone."""
        if getattr(self, "conditioned", False):  # which needs the quantizer step too
            return None
        return getattr(super(), "_default_save_signature", None)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compiles as `keras.Model.compile` does."""
        super().compile(*args, **kwargs)
        asked = inspect.signature(keras.Model.compile).bind(self, *args, **kwargs).arguments
        self._jit_compile_asked = asked.get("jit_compile", "auto")

    def get_compile_config(self) -> dict[str, Any]:
        config = super().get_compile_config()
        if not config:
            return {}
        # What "auto" came to here is not what it comes to on another backend.
        return {**_with_public_optimizers(config), "jit_compile": self._jit_compile_asked}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        # Keras compiles a loaded model itself only where `compile` is its own.
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built:
            self.optimizer.build(self.trainable_variables)


def _with_public_optimizers(config: Any) -> Any:
    """The configuration with `keras.optimizers.Adam` where Keras names PyTorch's own Adam, unknown elsewhere."""
    if isinstance(config, (list, tuple)):
        return [_with_public_optimizers(value) for value in config]
    if not isinstance(config, dict):
        return config
    config = {key: _with_public_optimizers(value) for key, value in config.items()}
    name = config.get("class_name")
    if str(config.get("module")).startswith("keras.src.backend.") and hasattr(
        keras.optimizers, str(name)
    ):
        config |= {"module": "keras.optimizers", "registered_name": None}
    return config
