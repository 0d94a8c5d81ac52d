"""Bottlenecks as real files: the only place where one is written, read and its bits are counted."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from keras_sandwich.codecs.pool import cores, map_in_order
from keras_sandwich.codecs.samples import from_samples, to_samples
from keras_sandwich.codecs.video_codec import VideoCodec
from keras_sandwich.inference.equivalent_qstep import qstep_for
from keras_sandwich.inference.pictures import CLIP_AXES, Pictures, require_range
from keras_sandwich.inference.tiling import build_once, postprocess_picture, preprocess_picture

MOST_AHEAD = 16  # decoded pictures that wait for the second network


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
            of any sizes; or a dict of either by `model_keys`. Finite. Clips, for a model of clips or a video codec:
            with frames before the height.
        codec: what encodes integers [height, width, channels] to bytes and decodes them, such as `codecs.JPEG`:
            uint8, or uint16 where it has `bits` other than 8. Where it has `for_channels`, that says which
            codec takes the bottleneck's channels: for other numbers than 1 and 3, one file for each. Of clips every
            frame becomes a file, or with a video codec, such as `codecs.X265`, every clip.
        tile_size: side of a tile in pixels; None gives the networks whole pictures.

    Returns:
        The keys of `model(images)`, as NumPy, or as lists of NumPy arrays where lists are given. "rate" is an array
        of each whole file's bits, for clips the sum of their frames'; of a video codec's files those of the packets and
        the parameter sets (`count_bits`), and "file_bits" has the container's too. "bottleneck" is what the codec was
        given, rounded and clipped, and "compressed_bottleneck", of a `CompressVideoModel` "recons_bottleneck", what it
        decoded, both of its integers. "codec" is the name of the codec that was taken, which says how the channels were
        divided; None where it has no name.

    Raises:
        ValueError: pixels that are not finite or outside [0, 255·2^k], shapes that do not fit, or a picture larger
            than a tile and a network that does not say how far it sees (`preprocess_picture`).
    """
    as_clips = isinstance(codec, VideoCodec)
    pictures = Pictures(images, model.model_keys, CLIP_AXES if as_clips else model.axes)
    require_range(pictures.arrays(), model.num_truncate_bits)
    build_once(model, pictures.build_shape(len(model.axes)))
    outputs = _Outputs(len(pictures), pictures.listed)
    qstep = qstep_for(model, codec)
    rates, file_bits = [], []
    for sample in pictures:
        leading = sample.shape[:-3]  # the frames of a clip
        frames = sample.reshape(-1, *sample.shape[-3:])
        samples = []
        for picture in frames:
            bottleneck = preprocess_picture(model, picture, tile_size, qstep)
            coder = for_channels(codec, bottleneck.shape[-1])
            samples.append(to_samples(bottleneck, sample_bits(coder)))
        files = [code(unit, coder) for unit in ([np.stack(samples)] if as_clips else samples)]
        decoded = list(files[0].decoded) if as_clips else [file.decoded for file in files]
        rates.append(float(sum(file.bits for file in files)))
        file_bits.append(float(sum(8 * len(file.data) for file in files)))
        predictions = [
            postprocess_picture(
                model,
                # Eight-bit samples are on the bottleneck's scale already.
                frame if sample_bits(coder) == 8 else from_samples(frame, sample_bits(coder)),
                sample.shape[-3:-1],
                tile_size,
                qstep,
            )
            for frame in decoded
        ]
        outputs.add(
            **{
                "prediction": _stack(predictions, leading),
                "bottleneck": _stack(samples, leading),
                model.decoded_key: _stack(decoded, leading),
            }
        )
    result = {**outputs.values, "rate": np.array(rates), "codec": getattr(coder, "name", None)}
    if as_clips:
        result["file_bits"] = np.array(file_bits)
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


class CodedBottleneck(NamedTuple):
    """A bottleneck as a file: its bytes, and the integers that the codec decodes from them."""

    data: bytes
    decoded: np.ndarray
    stream_bits: int | None = None  # of a video codec's packets, without the container's

    @property
    def bits(self) -> int:
        """Of the whole file, headers and all; of clips those of the stream."""
        return 8 * len(self.data) if self.stream_bits is None else self.stream_bits


def sample_bits(codec: Any) -> int:
    """The bits of a codec's samples; 8 for a user's own codec that does not say."""
    return int(getattr(codec, "bits", 8))


def code(samples: np.ndarray, codec: Any) -> CodedBottleneck:
    """Writes a bottleneck, as the codec's integers, to a file and reads it again.

    Raises:
        ValueError: a codec that decodes pictures of another shape than it was given, or what the codec itself raises.
    """
    data = codec.encode(samples)
    bits = codec.count_bits(data) if isinstance(codec, VideoCodec) else None
    return CodedBottleneck(data, decode(data, codec, samples.shape), bits)


def decode(data: bytes, codec: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The integers of a bottleneck's file; ValueError for a picture of another shape."""
    decoded = np.asarray(codec.decode(data))
    if decoded.shape != shape:
        raise ValueError(
            "The codec must decode pictures of the shape that it was given. "
            f"Received {decoded.shape} for {shape}."
        )
    return decoded


def code_at_each(
    samples: Sequence[np.ndarray], codecs: Sequence[Any], executor: Executor | None = None
) -> Iterator[CodedBottleneck]:
    """Bottlenecks through a codec each, on all cores or on an executor, in order."""
    most = min(cores(), len(codecs), MOST_AHEAD)
    pairs = list(zip(samples, codecs, strict=True))
    return map_in_order(lambda pair: code(*pair), pairs, executor, most, ahead=most)


def code_batch(
    bottlenecks: np.ndarray, codec: Any, executor: Executor | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Codes each bottleneck as a file of its own.

    Args:
        bottlenecks: [batch, height, width, channels], meant for [0, 255].
        codec: for as many channels.
        executor: which does the work; None: threads of its own.

    Returns:
        What the files decode to, float32 like `bottlenecks`, and the bits of the whole files, [batch] float32.
    """
    bits = sample_bits(codec)
    coded = list(map_in_order(partial(code, codec=codec), to_samples(bottlenecks, bits), executor))
    decoded = from_samples(np.stack([file.decoded for file in coded]), bits)
    return decoded, np.array([file.bits for file in coded], "float32")


def empty_file_bits(codec: Any, shape: tuple[int, ...]) -> int:
    """The bits of a file with nothing to see in it: what headers and containers cost, whatever the picture.

    Args:
        codec: for as many channels.
        shape: [height, width, channels].
    """
    return 8 * len(codec.encode(to_samples(np.full(shape, 128.0), sample_bits(codec))))


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
