"""A coded video to the one that the sandwich restores from it, frame by frame."""

import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from keras_sandwich._optional import progress_bar
from keras_sandwich._whole_files import replace_whole
from keras_sandwich.codecs import X264
from keras_sandwich.codecs.samples import from_samples
from keras_sandwich.codecs.video_reader import Sound, VideoReader
from keras_sandwich.codecs.video_writer import VideoFormat, VideoWriter
from keras_sandwich.files.networks import Network
from keras_sandwich.files.payload import Payload
from keras_sandwich.files.video_encoding import first_frame, kept_of
from keras_sandwich.files.video_payload import (
    KEY,
    clip_digest,
    coded_samples,
    coded_shape,
    is_unaltered,
    read_payload,
)
from keras_sandwich.inference.tiling import postprocess_picture

LOSSLESS, PLAYABLE = ".mkv", ".mp4"
PLAYED = X264(crf=10.0, monochrome=False)  # hardly a difference to see
FILE_BITS = (8, 10, 12, 16)


def open_video(source: Path) -> Payload:
    """What a coded video says of itself. Anything wrong raises ValueError."""
    with open(source, "rb") as file, VideoReader(file) as reader:
        return read_payload(reader)


def decode_video(
    source: Path,
    target: Path,
    payload: Payload,
    network: Network,
    accept_altered: bool,
    tile_size: int | None,
    verbose: int,
) -> None:
    """`decode_file` of a video."""
    suffix = _require_suffix(target, network)
    with open(source, "rb") as file, VideoReader(file) as reader:
        shape = (*network.coded_size(payload.output_size), network.bottleneck_channels)
        if coded_shape(reader) != shape:
            raise ValueError(
                f"frames of {payload.output_size} are coded as ones of {shape} for this network, and the "
                f"file holds ones of {coded_shape(reader)}. It was edited after it was written"
            )
        if not accept_altered and clip_digest(reader) != payload.pixels:
            raise ValueError(_what_changed(source, reader, payload))
    with (
        open(source, "rb") as file,
        VideoReader(file) as reader,
        replace_whole(target) as beside,
        open(beside, "wb") as restored,
    ):
        first, parts = first_frame(reader)
        with (
            _writer(suffix, restored, payload, network, reader, kept_of(reader, first)) as writer,
            progress_bar(reader.frames, verbose, "frame") as bar,
        ):
            for part in parts:
                if isinstance(part, Sound):
                    writer.add_sound(*part)
                    continue
                decoded = from_samples(coded_samples(reader, part), reader.bits)
                picture = postprocess_picture(
                    network.model, decoded, payload.output_size, tile_size, payload.qstep
                )
                writer.add(_planes(suffix, network, picture), part.time)
                bar.update()


def _require_suffix(target: Path, network: Network) -> str:
    """The target's suffix, if such a file holds what is restored."""
    suffix, bits = target.suffix.lower(), 8 + network.num_truncate_bits
    if suffix not in (LOSSLESS, PLAYABLE):
        raise ValueError(
            f"A video is restored to a {LOSSLESS} file, without loss, or to a {PLAYABLE} file, for players. "
            f"Received target={str(target)!r}."
        )
    if suffix == PLAYABLE and bits > 8:
        raise ValueError(
            f"A {PLAYABLE} file is written with 8 bits. Received a model of {bits}; restore to a {LOSSLESS} file."
        )
    return suffix


def _writer(
    suffix: str,
    file: BinaryIO,
    payload: Payload,
    network: Network,
    reader: VideoReader,
    kept: dict[str, Any],
) -> VideoWriter:
    if suffix == PLAYABLE:
        return PLAYED.writer(file, payload.output_size, network.channels, reader.sound, **kept)
    if reader.aspect != 1:
        warnings.warn(
            f"A {LOSSLESS} file says nothing of pixels that are {reader.aspect.numerator}:"
            f"{reader.aspect.denominator} wide. Tell the player, or restore to a {PLAYABLE} file.",
            stacklevel=4,
        )
    depth = _file_bits(network)
    pixels = ("gray" if network.channels == 1 else "gbrp") + ("" if depth == 8 else f"{depth}le")
    options = {"level": "3", "g": "1", "slicecrc": "1"}
    packed = "bgr0" if pixels == "gbrp" else None
    described = VideoFormat(
        "ffv1", pixels, options, None, container="matroska", packed=packed, **kept
    )
    return VideoWriter(file, described, payload.output_size, reader.sound)


def _file_bits(network: Network) -> int:
    """Of a sample in the lossless file: the least of those that FFV1 has."""
    return next(bits for bits in FILE_BITS if bits >= 8 + network.num_truncate_bits)


def _planes(suffix: str, network: Network, restored: np.ndarray) -> list[np.ndarray]:
    """A restored frame, rounded and clipped, as the file holds it."""
    if suffix == PLAYABLE:
        return PLAYED.planes(np.clip(np.rint(restored), 0, 255).astype("uint8"))
    peak, depth = 255.0 * 2.0**network.num_truncate_bits, _file_bits(network)
    levels = np.clip(np.rint(restored), 0, peak)
    scaled = levels if depth == 8 else np.rint(levels * ((2.0**depth - 1) / peak))
    planes = [
        scaled[..., channel].astype("uint8" if depth == 8 else "uint16")
        for channel in range(scaled.shape[-1])
    ]
    # FFmpeg keeps R, G and B as green, blue, red.
    return [*planes[1:], planes[0]] if len(planes) == 3 else planes


def _what_changed(source: Path, reader: VideoReader, payload: Payload) -> str:
    if is_unaltered(source, reader.metadata[KEY].encode(), payload):
        return (
            "the decoder gives other pixels than the one that wrote it, though no byte of the file "
            f"has changed. Written with {payload.library}. "
            "`accept_altered=True` (--accept-altered) restores it with small errors"
        )
    return (
        "its frames are not those that were coded: the file is damaged, or was edited or saved anew. "
        "Get it anew; `accept_altered=True` (--accept-altered) restores what is there"
    )
