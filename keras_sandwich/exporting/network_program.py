"""A network as other machines run it: from named inputs to one result."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sandwich.models.processors import Postprocessor
from keras_sandwich.ops.blocks import BLOCK, pad_to_multiple

IMAGES, QSTEP, ROWS, COLUMNS = "images", "qstep", "rows", "columns"
RESULT = "result"


class NetworkProgram(keras.Model):
    """One side of a sandwich, with the quantizer step as a second input, if it is conditioned on it.

    A step that is given is baked in: the program then has the images as its only input.
    """

    def __init__(self, side: Any, qstep: float | None = None) -> None:
        super().__init__(autocast=False, dtype="float32", name="program")
        self.side = side
        self.qstep = qstep
        self.built = True

    @property
    def asks_qstep(self) -> bool:
        """Whether the step is an input."""
        return bool(getattr(self.side, "conditioned", False)) and self.qstep is None

    def _whole_blocks(self, images: Any) -> Any:
        """Sizes that a side which enlarges by DCT can take: a backend may trace the program with a single pixel."""
        enlarges = isinstance(self.side, Postprocessor) and self.side.by_dct
        return pad_to_multiple(images, BLOCK) if enlarges else images

    def call(self, images: Any, qstep: Any = None) -> Any:
        images = self._whole_blocks(images)
        if not getattr(self.side, "conditioned", False):
            return self.side(images)
        step = (
            qstep
            if self.qstep is None
            else ops.convert_to_tensor(np.full(1, self.qstep, "float32"))
        )
        return self.side(images, qstep=step)

    def signature(self, channels: int, size: Sequence[int | None] | None) -> list[Any]:
        """The inputs: images of so many channels, of a size or of any, and the step."""
        height, width = size or (None, None)
        batch = None if size is None else 1
        inputs = [_spec((batch, height, width, channels), IMAGES)]
        return [*inputs, _spec((1,), QSTEP)] if self.asks_qstep else inputs


class WindowProgram(NetworkProgram):
    """The same for a window of a larger picture, which a matrix for each axis resamples, if the side does.

    What `inference.postprocess_picture` runs for each tile: whoever cuts a picture and makes the matrices as it does
    gets the picture that it makes.
    """

    @property
    def resamples(self) -> bool:
        """Whether the matrices are inputs."""
        return self.side.downsample_factor > 1 and not self.side.by_dct

    def call(self, images: Any, *more: Any) -> Any:
        given = dict(zip(self.input_names_after_images, more, strict=True))
        if self.qstep is not None and self.side.conditioned:
            given[QSTEP] = ops.convert_to_tensor(np.full(1, self.qstep, "float32"))
        return self.side.call_window(self._whole_blocks(images), **given)

    @property
    def input_names_after_images(self) -> tuple[str, ...]:
        """The names of the inputs that follow the images, in order."""
        return ((ROWS, COLUMNS) if self.resamples else ()) + ((QSTEP,) if self.asks_qstep else ())

    def signature(self, channels: int, size: Sequence[int | None] | None = None) -> list[Any]:
        """The inputs, of a window of any size."""
        shapes = {ROWS: (None, None), COLUMNS: (None, None), QSTEP: (1,)}
        others = [_spec(shapes[name], name) for name in self.input_names_after_images]
        return [_spec((1, None, None, channels), IMAGES), *others]


def _spec(shape: tuple[int | None, ...], name: str) -> Any:
    return keras.InputSpec(shape=shape, dtype="float32", name=name)
