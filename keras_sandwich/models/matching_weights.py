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
