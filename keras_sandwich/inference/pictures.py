"""The pictures that are sent through a codec: what is accepted, and what is refused."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_sandwich.models.training_checks import warn_of_scaled

PICTURE_AXES = ("batch", "height", "width", "channels")
CLIP_AXES = ("batch", "frames", "height", "width", "channels")
_CHUNK = 1 << 20  # elements looked at in one go


def require_range(
    pictures: Sequence[np.ndarray], num_truncate_bits: int, advice: str = "", stacklevel: int = 3
) -> float:
    """The largest value that pictures of 8 + k bits may have; a warning for pictures that look scaled to [0, 1].

    `stacklevel` is the warning's, counted from here: 2 is who calls this.

    Raises:
        ValueError: pixels that round to less than 0 or to more than 255·2^k, which would be clipped.
    """
    peak = 255.0 * 2.0**num_truncate_bits
    least = min(float(picture.min()) for picture in pictures)
    most = max(float(picture.max()) for picture in pictures)
    if least < -0.5 or most > peak + 0.5:
        raise ValueError(
            f"Expected pixels in [0, {peak:g}], for num_truncate_bits={num_truncate_bits}. "
            f"Received values from {least:g} to {most:g}; scale the pictures{advice}."
        )
    if 0 < most <= 1:
        warn_of_scaled("pictures", most, stacklevel + 1)
    return peak


class Pictures:
    """The pictures of a batch, of a list, or of a dict of either, finite, one by one, as they are.

    `axes` are a batch's; those of clips have one more than those of pictures.
    """

    def __init__(
        self, images: Any, keys: tuple[str, ...], axes: tuple[str, ...] = PICTURE_AXES
    ) -> None:
        if isinstance(images, Mapping):
            missing = [key for key in keys if key not in images]
            if missing:
                raise ValueError(
                    f"The input lacks {missing}. Expected the keys {keys}; received {tuple(images)}."
                )
            self.parts = {key: images[key] for key in keys}
        elif len(keys) > 1:
            raise ValueError(
                f"Expected a dict with the keys {keys}. Received {type(images).__name__}."
            )
        else:
            self.parts = {keys[0]: images}
        self.keyed = isinstance(images, Mapping)
        self.listed = isinstance(next(iter(self.parts.values())), (list, tuple))
        for key, part in self.parts.items():
            if self.listed:
                self.parts[key] = [_array(picture) for picture in part]
                shapes = {one.shape for one in self.parts[key] if one.ndim != len(axes) - 1}
                expected = f"a list of pictures [{', '.join(axes[1:])}]"
            else:
                self.parts[key] = _array(part)
                shapes = {self.parts[key].shape} if self.parts[key].ndim != len(axes) else set()
                expected = f"images [{', '.join(axes)}], or a list of single ones"
            if shapes:
                raise ValueError(
                    f"Expected {expected}. Received shape {next(iter(shapes))} for {key!r}."
                )
        counts = {key: len(part) for key, part in self.parts.items()}
        if len(set(counts.values())) > 1 or 0 in counts.values():
            raise ValueError(
                f"Expected at least one picture, and as many for each key. Received {counts}."
            )
        for part in self.parts.values():
            for number, picture in enumerate(part):
                if not picture.size:
                    raise ValueError(
                        "Expected pictures of at least one pixel and channel. "
                        f"Received shape {picture.shape} as picture {number}."
                    )
                _require_finite(picture, number)

    def arrays(self) -> list[np.ndarray]:
        """What was given: batches, or single pictures."""
        parts = self.parts.values()
        return [array for part in parts for array in (part if self.listed else [part])]

    def __len__(self) -> int:
        return len(next(iter(self.parts.values())))

    def build_shape(self, rank: int | None = None) -> Any:
        """What a model is built for: of so many axes, or of those that there are."""
        shapes = {
            key: (None,) * (rank - 1 if rank else part[0].ndim) + part[0].shape[-1:]
            for key, part in self.parts.items()
        }
        return shapes if self.keyed else next(iter(shapes.values()))

    def __iter__(self) -> Iterator[np.ndarray]:
        for number in range(len(self)):
            parts = [part[number] for part in self.parts.values()]
            if len({part.shape[:-1] for part in parts}) > 1:
                raise ValueError(
                    "The tensors of one picture must have the same height and width. Received "
                    f"{ {key: part[number].shape for key, part in self.parts.items()} }."
                )
            yield parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)


def _array(value: Any) -> np.ndarray:
    return np.asarray(value if isinstance(value, np.ndarray) else ops.convert_to_numpy(value))


def _require_finite(picture: np.ndarray, number: int) -> None:
    if not np.issubdtype(picture.dtype, np.inexact):
        return
    rows = max(_CHUNK // max(picture[0].size, 1), 1)
    for start in range(0, len(picture), rows):
        if not np.isfinite(picture[start : start + rows]).all():
            raise ValueError(
                "The pictures must be finite. Received NaN or infinite pixels "
                f"in picture {number}; clean the data before coding it."
            )
