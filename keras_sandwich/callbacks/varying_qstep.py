"""One training for a range of rates: another quantizer step for each batch."""

import math
from typing import Any

import keras
import numpy as np

from keras_sandwich._arguments import require_integers


class VaryingQstep(keras.callbacks.Callback):
    """Gives the codec proxy another quantizer step for each batch, so that one model serves a range of rates.

    Steps are drawn evenly in their logarithm; batches of one execution (`steps_per_execution`) share theirs. A training
    that is resumed draws what it would have drawn. In validation, between epochs and in the end the model has the
    range's geometric mean as its step: list this callback before those that look at the model or save it.

    Example:

    ```python
    import keras
    import numpy as np
    import keras_sandwich as ks

    networks = {"encoder_filters": (4,), "decoder_filters": (4, 4)}
    model = ks.models.create_basic_model(**networks, gamma=450.0)
    model.compile("adam", loss="mse")
    pictures = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype("float32")
    varying = ks.callbacks.VaryingQstep(16.0, 36.0)
    model.fit(pictures, batch_size=1, callbacks=[varying], verbose=0)
    qstep = keras.ops.convert_to_numpy(model.codec_proxy.effective_qstep())
    assert abs(qstep - 24.0) < 1e-3
    ```

    Args:
        lowest: the lowest effective step, at least the proxy's `min_qstep`.
        highest: the highest.
        seed: of the draws, ≥ 0.

    Raises:
        ValueError: a range that is none, or not within the proxy's; a negative seed; a proxy without a step.
    """

    def __init__(self, lowest: float, highest: float, seed: int = 0) -> None:
        super().__init__()
        if not 0 < lowest <= highest < math.inf:
            raise ValueError(
                "The range must be 0 < lowest ≤ highest, both finite. "
                f"Received lowest={lowest}, highest={highest}."
            )
        require_integers(0, seed=seed)
        self.lowest = lowest
        self.highest = highest
        self.seed = seed
        self._generator = np.random.default_rng()

    def on_train_begin(self, logs: Any = None) -> None:
        proxy: Any = getattr(self.model, "codec_proxy", None)
        if not hasattr(proxy, "set_effective_qstep"):
            raise ValueError(
                "Only a sandwich whose codec proxy has a quantizer step, an EncodeDecodeIntra, can vary it. "
                f"Received {type(self.model).__name__} with {type(proxy).__name__}."
            )
        if getattr(self.model, "qstep_range", None):
            raise ValueError(
                "A model with a `qstep_range` draws a step for each picture itself. Received VaryingQstep too; "
                "leave one of them out."
            )
        if self.lowest < proxy.min_qstep:
            raise ValueError(
                f"The proxy's step is at least its min_qstep, {proxy.min_qstep:g}. Received lowest={self.lowest}."
            )

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._generator = np.random.default_rng([self.seed, epoch])

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        log_qstep = self._generator.uniform(math.log(self.lowest), math.log(self.highest))
        self._set(min(max(math.exp(log_qstep), self.lowest), self.highest))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._set(self._middle())

    def on_test_begin(self, logs: Any = None) -> None:
        self._set(self._middle())

    def on_train_end(self, logs: Any = None) -> None:
        self._set(self._middle())

    def _middle(self) -> float:
        return self.lowest * math.sqrt(self.highest / self.lowest)

    def _set(self, qstep: float) -> None:
        if not self.model.codec_proxy.built:
            return  # TensorFlow builds a model within its first batch, which has the model's own step
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()  # during `fit` the weights live outside the model
        self.model.codec_proxy.set_effective_qstep(qstep)
