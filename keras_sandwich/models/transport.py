"""Pictures through a real codec, one after the other."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from keras import ops

from keras_sandwich.models.pixel_range import require_range
from keras_sandwich.models.samples import from_samples, to_samples
from keras_sandwich.models.tiling import postprocess_picture, preprocess_picture

_CHUNK = 1 << 20


def transport(model: Any, images: Any, codec: Any, tile_size: int | None) -> dict[str, Any]:
    """`CompressIntraModel.transport`."""
    pictures = Pictures(images, model.model_keys)
    require_range(pictures.arrays(), model.num_truncate_bits, stacklevel=4)
    if not model.built:
        model.build(pictures.build_shape())
    outputs = _Outputs(len(pictures), pictures.listed)
    rates = []
    for picture in pictures:
        bottleneck = preprocess_picture(model, picture, tile_size)
        coder = for_channels(codec, bottleneck.shape[-1])
        sent, size, decoded = send(bottleneck, coder)
        rates.append(8.0 * size)
        # Eight-bit samples are on the bottleneck's scale already.
        bits = getattr(codec, "bits", 8)
        bottleneck = decoded if bits == 8 else from_samples(decoded, bits)
        prediction = postprocess_picture(model, bottleneck, picture.shape[:2], tile_size)
        outputs.add(prediction=prediction, bottleneck=sent, compressed_bottleneck=decoded)
    result = {**outputs.values, "rate": np.array(rates), "codec": getattr(coder, "name", None)}
    prediction = outputs.values["prediction"]
    for key, channels in model.key_slices().items():
        if channels is None:
            result[key] = prediction
        elif isinstance(prediction, list):
            result[key] = [part[..., channels] for part in prediction]
        else:
            result[key] = prediction[..., channels]
    return result


def for_channels(codec: Any, channels: int) -> Any:
    """The codec for pictures of so many channels; a user's own codec without `for_channels` is taken as it is."""
    choose: Callable[[int], Any] | None = getattr(codec, "for_channels", None)
    return choose(channels) if choose is not None else codec


def send(bottleneck: np.ndarray, codec: Any) -> tuple[np.ndarray, int, np.ndarray]:
    """Through a codec: the samples that it was given, the bytes of the file, the samples that it decoded."""
    samples = to_samples(bottleneck, getattr(codec, "bits", 8))
    file = codec.encode(samples)
    decoded = np.asarray(codec.decode(file))
    if decoded.shape != samples.shape:
        raise ValueError(
            "The codec must decode pictures of the shape that it was given. "
            f"Received {decoded.shape} for {samples.shape}."
        )
    return samples, len(file), decoded


class Pictures:
    """The pictures of a batch, of a list, or of a dict of either, finite, one by one, as they are."""

    def __init__(self, images: Any, keys: tuple[str, ...]) -> None:
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
                shapes = {picture.shape for picture in self.parts[key] if picture.ndim != 3}
                expected = "a list of pictures [height, width, channels]"
            else:
                self.parts[key] = _array(part)
                shapes = {self.parts[key].shape} if self.parts[key].ndim != 4 else set()
                expected = "images [batch, height, width, channels], or a list of single ones"
            if shapes:
                raise ValueError(
                    f"Expected {expected}. Received shape {next(iter(shapes))} for {key!r}."
                )
        counts = {key: len(part) for key, part in self.parts.items()}
        if len(set(counts.values())) > 1 or 0 in counts.values():
            raise ValueError(f"Expected pictures, as many for each key. Received {counts}.")
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

    def build_shape(self) -> Any:
        shapes = {key: (None, None, None, p[0].shape[-1]) for key, p in self.parts.items()}
        return shapes if self.keyed else next(iter(shapes.values()))

    def __iter__(self) -> Iterator[np.ndarray]:
        for number in range(len(self)):
            parts = [part[number] for part in self.parts.values()]
            if len({part.shape[:2] for part in parts}) > 1:
                raise ValueError(
                    "The tensors of one picture must have the same height and width. Received "
                    f"{ {key: part[number].shape for key, part in self.parts.items()} }."
                )
            yield parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)


class _Outputs:
    """Results of pictures one by one: lists, or arrays that are filled, as stacking would take twice the memory."""

    def __init__(self, count: int, listed: bool) -> None:
        self.count = count
        self.listed = listed
        self.number = 0
        self.values: dict[str, Any] = {}

    def add(self, **results: np.ndarray) -> None:
        for name, result in results.items():
            if self.listed:
                self.values.setdefault(name, []).append(result)
            elif self.count == 1:
                self.values[name] = result[None]
            else:
                if name not in self.values:
                    self.values[name] = np.empty((self.count, *result.shape), result.dtype)
                self.values[name][self.number] = result
        self.number += 1


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
