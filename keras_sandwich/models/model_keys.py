"""The tensors that are coded together, by their names: one after the other along the channels."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from keras import ops

RESERVED_KEYS = ("prediction", "rate", "qstep", "bottleneck", "compressed_bottleneck")


class ModelKeys:
    """Names of tensors, in the order in which they are concatenated, and the channels of each once they are known.

    `reserved` are names beside those that every model's result holds.
    """

    def __init__(self, names: Sequence[str], reserved: Sequence[str] = ()) -> None:
        reserved = (*RESERVED_KEYS, *reserved)
        collisions = set(names) & set(reserved)
        if collisions or len(set(names)) != len(names) or not names:
            raise ValueError(
                "`model_keys` must be different names, and none of "
                f"{', '.join(reserved)}. Received model_keys={tuple(names)}."
            )
        self.names = tuple(names)
        self.channels: tuple[int, ...] = ()

    def read(self, input_shape: Any, axes: Sequence[str]) -> int:
        """Takes the channels of each key from a shape, or a dict of them, with these axes; returns their sum."""
        if isinstance(input_shape, Mapping):
            self.require(input_shape)
            shapes = [tuple(input_shape[name]) for name in self.names]
        else:
            shapes = [tuple(input_shape)]
            if len(self.names) > 1:
                raise ValueError(
                    f"Expected a dict with the keys {self.names}. "
                    f"Received one tensor of shape {tuple(input_shape)}."
                )
        for shape in shapes:
            if len(shape) != len(axes) or shape[-1] is None:
                raise ValueError(
                    f"Expected images [{', '.join(axes)}] with a known number of channels. "
                    f"Received shape {shape}."
                )
        self.channels = tuple(shape[-1] for shape in shapes)
        return sum(self.channels)

    def require(self, inputs: Mapping[str, Any]) -> None:
        """ValueError unless a dict has all the keys."""
        missing = [name for name in self.names if name not in inputs]
        if missing:
            raise ValueError(
                f"The input lacks {missing}. Expected the keys {self.names}; "
                f"received {tuple(inputs)}. Name the keys with `model_keys`."
            )

    def require_channels(self, channels: int) -> None:
        """ValueError unless a prediction of so many channels can be sliced back to the keys."""
        if len(self.names) > 1 and channels != sum(self.channels):
            raise ValueError(
                "The prediction is sliced back to the keys, so the postprocessor must return "
                f"{sum(self.channels)} channels for {self.names} with "
                f"{self.channels}. Received a network with {channels}."
            )

    def concatenate(self, inputs: Any) -> Any:
        """One float32 tensor of a dict of tensors, or of a tensor."""
        if isinstance(inputs, Mapping):
            self.require(inputs)
            parts = [_as_float32(inputs[name]) for name in self.names]
            return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
        return _as_float32(inputs)

    def slices(self) -> dict[str, slice | None]:
        """The channels of the prediction that belong to each key; None where one key has them all."""
        if len(self.names) == 1:
            return {self.names[0]: None}
        ends = itertools.accumulate(self.channels)
        parts = zip(self.names, self.channels, ends, strict=True)
        return {name: slice(end - channels, end) for name, channels, end in parts}

    def shapes(self, prediction: tuple[Any, ...]) -> dict[str, tuple[Any, ...]]:
        """The shape of each key's part of a prediction."""
        channels = self.channels if len(self.names) > 1 else prediction[-1:]
        named = zip(self.names, channels, strict=True)
        return {name: (*prediction[:-1], count) for name, count in named}


def _as_float32(tensor: Any) -> Any:
    return ops.convert_to_tensor(tensor, "float32")
