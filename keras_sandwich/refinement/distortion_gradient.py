"""How far what the second network restores is from a picture, and the gradient of that by the decoded bottleneck."""

import itertools
import threading
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_sandwich.inference.tiling import (
    Step,
    build_once,
    postprocess_picture,
    postprocess_windows,
    qstep_told,
    restored_size,
)

_one_thread = threading.Lock()  # a window's gradient comes by way of a variable


class DistortionGradient:
    """Squared errors and their gradients, of one picture, in the memory of a tile.

    Each window of the bottleneck is restored by itself, and of each result only what the whole picture takes of it
    counts: the sums over the windows are those of the whole picture.

    Args:
        system: a `CompressIntraModel` with a `Postprocessor`, or with none.
        shape: [height, width, channels] of the bottleneck.
        target: the picture to restore, [height, width, channels] in [0, 255·2^k].
        qstep: that the second network is told.
        tile_size: as of `postprocess_picture`.
    """

    def __init__(
        self,
        system: Any,
        shape: tuple[int, ...],
        target: np.ndarray,
        qstep: float | None,
        tile_size: int | None,
    ) -> None:
        self.system, self.side = system, system.postprocessor
        self.target = np.asarray(target, "float32")
        self.qstep, self.tile_size = qstep, tile_size
        self.peak = 255.0 * 2.0 ** getattr(system, "num_truncate_bits", 0)
        if self.side is None:
            return
        build_once(self.side, (None, None, None, shape[-1]))
        size = restored_size(self.side, shape, (target.shape[0], target.shape[1]))
        rows, columns = postprocess_windows(self.side, shape, size, tile_size)
        self.windows = list(itertools.product(rows, list(columns)))
        self.qstep = qstep_told(system, self.side, qstep)
        with _one_thread:
            self.frozen = _frozen_copy(self.side)

    def __call__(
        self, decoded: np.ndarray, target: np.ndarray | None = None
    ) -> tuple[float, np.ndarray]:
        """The sum of squared errors and its gradient by `decoded`, [height, width, channels] float64.

        Args:
            decoded: [height, width, channels] on the bottleneck's scale.
            target: what to be near to; None: the picture.
        """
        target = self.target if target is None else target
        if self.side is None:
            error = np.asarray(decoded, "float64") - target
            return float(np.sum(error**2)), 2 * error
        total, gradient = 0.0, np.zeros(decoded.shape)
        for row, column in self.windows:
            wanted = np.zeros((1, self._made(row), self._made(column), target.shape[-1]), "float32")
            counted = np.zeros((*wanted.shape[:3], 1), "float32")
            part = target[slice(*row.result), slice(*column.result)]
            place = (
                0,
                slice(row.kept.start, row.kept.start + part.shape[0]),
                slice(column.kept.start, column.kept.start + part.shape[1]),
            )
            wanted[place], counted[place] = part, 1.0
            squared, by_window = self._run(decoded, row, column, wanted, counted)
            total += squared
            gradient[slice(*row.read), slice(*column.read)] += by_window
        return total, gradient

    def restored(self, decoded: np.ndarray) -> np.ndarray:
        """What the second network makes of a decoded bottleneck, clipped, float32 of the target's size."""
        size = self.target.shape[0], self.target.shape[1]
        restored = postprocess_picture(self.system, decoded, size, self.tile_size, self.qstep)
        return np.clip(restored, 0.0, self.peak)

    def _made(self, step: Step) -> int:
        """How many samples the network makes of a window along one axis."""
        if step.weights is not None:
            return len(step.weights)
        length = step.read[1] - step.read[0]
        return length * self.side.downsample_factor if self.side.by_dct else length

    def _run(
        self,
        decoded: np.ndarray,
        row: Step,
        column: Step,
        wanted: np.ndarray,
        counted: np.ndarray,
    ) -> tuple[float, np.ndarray]:
        """A window's squared error and its gradient."""
        window = decoded[slice(*row.read), slice(*column.read)][None].astype("float32")
        qstep = None if self.qstep is None else np.full(1, self.qstep, "float32")
        given = {"images": window, "rows": row.weights, "columns": column.weights, "qstep": qstep}
        inputs = {name: value for name, value in given.items() if value is not None}
        with _one_thread:
            error = self.frozen.errors.get((window.shape, self.peak))
            if error is None:
                error = _WindowError(self.frozen.processor, window.shape, self.peak)
                self.frozen.errors[window.shape, self.peak] = error
            return error.with_gradient(inputs, wanted, counted)


class _WindowError(keras.Model):
    """The squared error of a window's restored pixels, and its gradient by the window.

    Keras has no gradient of its own for all backends, but every optimizer is given one: that of a variable which is
    added to the window, zero before each step, and minus the gradient after a plain step of size 1.
    """

    def __init__(self, processor: Any, shape: tuple[int, ...], peak: float) -> None:
        super().__init__(autocast=False, dtype="float32", name="window_error")
        self.processor = processor
        self.peak = peak
        self.shift = self.add_weight(shape=shape, initializer="zeros", name="shift")
        self.built = True
        # XLA gains nothing here on TensorFlow and compiles for long; JAX alone needs it.
        self.compile(
            keras.optimizers.SGD(1.0), jit_compile=keras.backend.backend() == "jax", loss=None
        )

    def call(self, inputs: dict[str, Any]) -> Any:
        window = {**inputs, "images": inputs["images"] + self.shift}
        return ops.clip(self.processor.call_window(**window), 0.0, self.peak)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        wanted, counted = (ops.convert_to_tensor(given, "float32") for given in (y, sample_weight))
        return ops.sum(counted * (y_pred - wanted) ** 2)

    def with_gradient(
        self, inputs: dict[str, Any], wanted: np.ndarray, counted: np.ndarray
    ) -> tuple[float, np.ndarray]:
        squared = self.train_on_batch(inputs, wanted, counted, return_dict=True)["loss"]
        gradient = -ops.convert_to_numpy(self.shift)[0]
        self.shift.assign(np.zeros(self.shift.shape, "float32"))
        return float(squared), gradient


class _Frozen(NamedTuple):
    """A copy of a processor, by whose weights no gradient is taken, and what was compiled for windows of each shape."""

    processor: Any
    errors: dict[tuple[tuple[int, ...], float], _WindowError]


def _frozen_copy(processor: Any) -> _Frozen:
    """The copy of a processor, with the weights that it has now."""
    frozen = vars(processor).get("_frozen")
    if frozen is None:
        copy = type(processor).from_config(processor.get_config())
        copy.build((None, None, None, processor.input_channels))
        copy.trainable = False
        frozen = _Frozen(copy, {})
        # Kept with the processor, as in `tiling`; not one of its layers, which Keras would make it.
        object.__setattr__(processor, "_frozen", frozen)
    frozen.processor.set_weights(processor.get_weights())
    return frozen
