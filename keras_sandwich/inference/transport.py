"""Pictures through a real codec, one after the other."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_sandwich.codecs.samples import from_samples, to_samples
from keras_sandwich.inference.pictures import Pictures, require_range
from keras_sandwich.inference.tiling import postprocess_picture, preprocess_picture


def transport(model: Any, images: Any, codec: Any, tile_size: int | None = 1024) -> dict[str, Any]:
    """Sends pictures of any size through a real codec: the result of `model(images)`, with the bits of real files.

    One picture after the other, the frames of clips too, each in tiles (`preprocess_picture`, `postprocess_picture`),
    so that pictures of a hundred megapixels need little more memory than they have themselves.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    model = ks.models.create_basic_model(
        bottleneck_channels=1, use_unet_preprocessor=False, use_unet_postprocessor=False
    )
    images = np.random.default_rng(0).integers(0, 256, (2, 40, 48, 3), "uint8")
    outputs = ks.transport(model, images, ks.codecs.JPEG(qstep=8))
    assert outputs["prediction"].shape == images.shape and outputs["rate"].min() > 8 * 150
    outputs = ks.transport(model, [images[0], images[1, :31]], ks.codecs.JPEG(qstep=8))
    assert outputs["prediction"][1].shape == (31, 48, 3)
    ```

    Args:
        model: a sandwich.
        images: [batch, height, width, channels] in [0, 255·2^k]; or a list of pictures [height, width, channels]
            of any sizes; or a dict of either by `model_keys`. Finite. Clips, for a model of clips: with frames before
            the height, each of which becomes a file.
        codec: what encodes integers [height, width, channels] to bytes and decodes them, such as `codecs.JPEG`:
            uint8, or uint16 where it has `bits` other than 8. Where it has `for_channels`, that says which
            codec takes the bottleneck's channels: for other numbers than 1 and 3, one file for each.
        tile_size: side of a tile in pixels; None gives the networks whole pictures.

    Returns:
        The keys of `model(images)`, as NumPy, or as lists of NumPy arrays where lists are given. "rate" is an array
        of each whole file's bits, for clips the sum of their frames'; "bottleneck" is what the codec was given,
        rounded and clipped, and "compressed_bottleneck" what it decoded, both of its integers. "codec" is the name of
        the codec that was
        taken, which says how the channels were divided; None where it has no name.

    Raises:
        ValueError: pixels that are not finite or outside [0, 255·2^k], shapes that do not fit, or a picture larger
            than a tile and a network that does not say how far it sees (`preprocess_picture`).
    """
    pictures = Pictures(images, model.model_keys, model.axes)
    require_range(pictures.arrays(), model.num_truncate_bits)
    if not model.built:
        model.build(pictures.build_shape())
    outputs = _Outputs(len(pictures), pictures.listed)
    rates = []
    for sample in pictures:
        leading = sample.shape[:-3]  # the frames of a clip
        frames = []
        bits = 0.0
        for picture in sample.reshape(-1, *sample.shape[-3:]):
            bottleneck = preprocess_picture(model, picture, tile_size)
            coder = for_channels(codec, bottleneck.shape[-1])
            sent, size, decoded = send(bottleneck, coder)
            bits += 8.0 * size
            # Eight-bit samples are on the bottleneck's scale already.
            depth = getattr(codec, "bits", 8)
            bottleneck = decoded if depth == 8 else from_samples(decoded, depth)
            prediction = postprocess_picture(model, bottleneck, picture.shape[:2], tile_size)
            frames.append((prediction, sent, decoded))
        rates.append(bits)
        names = ("prediction", "bottleneck", "compressed_bottleneck")
        results = zip(names, zip(*frames, strict=True), strict=True)
        outputs.add(**{name: _stack(parts, leading) for name, parts in results})
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


def _stack(pictures: Sequence[np.ndarray], leading: tuple[int, ...]) -> np.ndarray:
    """Pictures with axes before theirs: those of a clip, or none, for one picture, which is not copied."""
    return np.stack(pictures).reshape(*leading, *pictures[0].shape) if leading else pictures[0]


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
