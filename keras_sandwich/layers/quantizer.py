"""What the codec's coefficients are divided by."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sandwich.ops.blocks import BLOCK
from keras_sandwich.ops.quantization import (
    known,
    quality_to_tables,
    require_table,
    require_whole,
)
from keras_sandwich.ops.rounding import straight_through

LARGEST = 255  # of a baseline file (T.81 B.2.4.1)
LEAST_STEP = 1e-3  # finer than float32 has pixels; a tensor may hold what cannot be checked


class Quantizer(keras.layers.Layer):
    """The quantizer steps of a proxy: tables, given or trained, times a step, or a quality.

    Args:
        luma_table: 8×8 positive steps; None: all ones.
        chroma_table: the same.
        train_tables: the logarithms of the tables are weights.
        whole: steps are whole numbers from 1 to 255, those in tensors rounded straight through.
    """

    def __init__(
        self, luma_table: Any, chroma_table: Any, train_tables: bool, whole: bool, **kwargs: Any
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        given = {"luma_table": luma_table, "chroma_table": chroma_table}
        tables = {name: require_table(table, name) for name, table in given.items()}
        if whole and not train_tables:
            for name, table in tables.items():
                require_whole(table, 1, LARGEST, name)
        # Lists, since PyTorch's compiler breaks where Keras takes an array.
        self._values = [table.tolist() for table in tables.values()]
        self._given = {
            name: None if given[name] is None else table.tolist() for name, table in tables.items()
        }
        self._largest = float(np.max(self._values))
        self.train_tables = train_tables
        self.whole = whole

    @property
    def has_tables(self) -> bool:
        """Whether there is more than the flat table."""
        return self.train_tables or any(table is not None for table in self._given.values())

    def build(self, input_shape: Any = None) -> None:
        if self.train_tables:
            self.log_tables = self.add_weight(
                shape=(2, BLOCK, BLOCK),
                initializer=lambda shape, dtype=None: ops.log(
                    ops.convert_to_tensor(self._values, "float32")
                ),
                dtype="float32",
                autocast=False,
                name="log_tables",
            )
        self.built = True

    def check(self, qstep: Any, quality: Any = None, name: str = "qstep") -> None:
        """ValueError unless the arguments of a call, as far as they are known, can be used."""
        if quality is not None:
            if qstep is not None or self.has_tables:
                raise ValueError(
                    "`quality` scales the tables of T.81 Annex K. Give either a quality or a qstep, "
                    "and a quality only to a layer without tables of its own (for scaled ones: "
                    "luma_table, chroma_table = ks.ops.quality_to_tables(quality))."
                )
            require_whole(quality, 1, 100, "quality")
        require_positive_qstep(qstep, name)
        if self.whole:
            require_whole(qstep, 1, LARGEST, name)
            values = known(qstep)
            if values is not None and not self.train_tables:
                largest = float(values.max()) * self._largest
                if largest > LARGEST:
                    raise ValueError(
                        f"Steps of libjpeg's tables go up to {LARGEST}. "
                        f"Received {name}={qstep} with tables that it brings to {largest:g}."
                    )

    def steps(self, qstep: Any = None, quality: Any = None) -> Any:
        """The steps of a call, float32 [batch or 1, luma and chroma or 1, 8 or 1, 8 or 1]."""
        if quality is not None:
            tables = quality_to_tables(quality)
            return ops.reshape(tables, (-1, 2, BLOCK, BLOCK))
        qstep = ops.convert_to_tensor(1.0 if qstep is None else qstep, "float32")
        if len(qstep.shape) > 1:
            raise ValueError(
                "`qstep` must be a scalar or have one value per image, [batch]. "
                f"Received shape {tuple(qstep.shape)}."
            )
        steps = ops.reshape(qstep, (-1, 1, 1, 1))
        # With a gradient also below, or a trained step would stay there.
        steps = steps + ops.stop_gradient(ops.relu(LEAST_STEP - steps))
        if self.has_tables:
            steps = steps * self._tables()
        if self.whole:
            # A step outside comes back: its gradient is not cut.
            steps = straight_through(ops.clip(ops.round(steps), 1, LARGEST), steps)
        return steps

    def of_channel(self, steps: Any, channel: int) -> Any:
        """The steps of one channel, to broadcast over [batch, rows, columns, 8, 8]."""
        kind = min(channel % 3, 1) if steps.shape[1] > 1 else 0
        return steps[:, kind, None, None]

    @property
    def one_scale(self) -> bool:
        """Whether all steps of an image have gradients in proportion to themselves, if any."""
        return not self.train_tables and not (self.whole and self.has_tables)

    def tables(self, qstep: Any = None) -> np.ndarray:
        """Luma and chroma as a file holds them: whole numbers from 1 to 255, [2, 8, 8]."""
        steps = ops.convert_to_numpy(self.steps(qstep))
        if len(steps) > 1:
            raise ValueError(
                "A file has one step. Received one for each of several images: "
                f"qstep of shape {(len(steps),)}."
            )
        whole = np.clip(np.round(steps[0]), 1, LARGEST).astype("int32")
        return np.broadcast_to(whole, (2, BLOCK, BLOCK)).copy()

    def arguments(self) -> dict[str, Any]:
        """Those that `JpegProxy` passes on, to make another of."""
        return {**self._given, "train_tables": self.train_tables}

    def _tables(self) -> Any:
        if self.train_tables:
            return ops.exp(ops.convert_to_tensor(self.log_tables))[None]
        return ops.convert_to_tensor(self._values, "float32")[None]


def require_positive_qstep(qstep: Any, name: str = "qstep") -> None:
    """ValueError if a step known now, in Python or NumPy, is not positive and finite."""
    if isinstance(qstep, (int, float)):  # without NumPy, which PyTorch's compiler would trace
        valid = 0.0 < qstep < float("inf")
    else:
        values = known(qstep)
        valid = values is None or bool(np.all(np.isfinite(values)) and np.all(values > 0))
    if not valid:
        raise ValueError(f"`{name}` must be positive and finite. Received {name}={qstep}.")


def require_one_each(steps: Any, images: Any) -> None:
    """ValueError if there are steps for another number of images."""
    if isinstance(steps, int) and isinstance(images, int) and steps not in (1, images):
        raise ValueError(
            "`qstep` and `quality` are one for all images or one for each. "
            f"Received {steps} of them for {images} images."
        )
