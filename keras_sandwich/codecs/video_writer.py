"""MP4 files of one video stream, frame by frame, and sound beside it, as PyAV (FFmpeg's libraries) writes them."""

import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, BinaryIO, Self

import numpy as np

from keras_sandwich.codecs.video_stream import FULL, GREEN_BLUE_RED, MATRIX_CODES, pyav

RATE = Fraction(25)  # of clips, which have no time of their own
_BT709 = 1
MOST_TIME_UNITS = 2**31 - 1  # a second, in an MP4 file


@dataclass(frozen=True)
class VideoFormat:
    """What all frames of a video file share. They are of full range.

    Attributes:
        encoder: FFmpeg's name of it.
        pixels: FFmpeg's name of the planes' format.
        options: of the encoder, in FFmpeg's words.
        matrix: of the chroma; None: the planes are green, blue and red, or gray.
        rate: frames a second on average.
        time_base: the unit of the frames' times, in seconds; None: a frame of the rate.
        aspect: of the pixels.
        primaries: of H.273.
        transfer: of H.273.
        rotation: by how many degrees viewers turn the frames, counterclockwise.
        unwanted_units: types of NAL units that are left out.
        metadata: of the file, by name.
        container: FFmpeg's name of it.
        packed: FFmpeg's name of the format in which the encoder takes the planes' samples; None: as planes.
    """

    encoder: str
    pixels: str
    options: dict[str, str]
    matrix: str | None
    rate: Fraction = RATE
    time_base: Fraction | None = None
    aspect: Fraction = Fraction(1)
    primaries: int = _BT709
    transfer: int = _BT709
    rotation: int = 0
    unwanted_units: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    container: str = "mp4"
    packed: str | None = None


class VideoWriter:
    """Writes frames to a file, one after the other; the file is whole once it is closed.

    Args:
        file: to write to, seekable.
        format_: of the frames.
        size: (height, width) of the frames.
        sound: PyAV's streams, whose packets are given to `add_sound`.

    Raises:
        ImportError: PyAV is not installed, or has no such encoder.
        ValueError: sound that the container does not hold.
    """

    def __init__(
        self, file: BinaryIO, format_: VideoFormat, size: tuple[int, int], sound: Sequence[Any] = ()
    ) -> None:
        self._library = library = pyav(format_.encoder)
        if format_.encoder not in library.codecs_available:
            raise ImportError(
                f"This PyAV {library.__version__} has no {format_.encoder}. The wheels of 15.1 and later have: "
                'pip install "keras-sandwich[video]" "av>=15.1".'
            )
        self._format = format_
        time_base = format_.time_base or 1 / format_.rate
        options = {"fflags": "+bitexact"}
        if format_.container == "mp4":
            options["movflags"] = "use_metadata_tags"
            # The start of a stream is stated in these units.
            options["movie_timescale"] = str(min(time_base.denominator, MOST_TIME_UNITS))
        self._container = library.open(file, "w", format=format_.container, options=options)
        self._container.metadata.update(format_.metadata)
        stream = self._container.add_stream(
            format_.encoder, rate=format_.rate, options=format_.options
        )
        stream.time_base = time_base
        context = stream.codec_context
        context.height, context.width = size
        context.pix_fmt = format_.packed or format_.pixels
        context.time_base = time_base
        context.thread_count = 1  # more of them change the stream
        context.sample_aspect_ratio = format_.aspect
        context.color_range, context.colorspace = self._tags()
        context.color_primaries, context.color_trc = format_.primaries, format_.transfer
        if format_.rotation:
            stream.set_display_rotation(format_.rotation)
        self._stream, self._time_base, self._count = stream, time_base, itertools.count()
        self._filter = None
        if format_.unwanted_units:
            words = f"filter_units=remove_types={format_.unwanted_units}"
            self._filter = library.BitStreamFilterContext(words, stream)
        try:
            self._sound = [self._container.add_stream_from_template(one) for one in sound]
        except (ValueError, OSError) as error:
            raise ValueError(
                f"{format_.container.upper()} files hold no sound of the kind {[s.codec_context.name for s in sound]}: "
                f"{error}. Convert it to AAC, or leave it out."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        try:
            if kind is None:
                self._mux(self._stream.encode(None))
        finally:
            self._container.close()

    def _tags(self) -> tuple[int, int]:
        matrix = self._format.matrix
        return FULL, GREEN_BLUE_RED if matrix is None else MATRIX_CODES[matrix]

    def add(self, planes: list[np.ndarray], time: int | None = None) -> None:
        """A frame, after those before it in time; of None, one unit after the last."""
        height, width = planes[0].shape
        frame = self._library.VideoFrame(width, height, self._format.pixels)
        for plane, values in zip(frame.planes, planes, strict=True):
            lines = np.zeros((plane.height, plane.line_size // values.itemsize), values.dtype)
            lines[:, : plane.width] = values
            plane.update(lines.tobytes())
        if self._format.packed is not None:
            frame = frame.reformat(format=self._format.packed)
        number = next(self._count)
        frame.pts = number if time is None else time
        frame.time_base = self._time_base
        frame.color_range, frame.colorspace = self._tags()
        self._mux(self._stream.encode(frame))

    def add_sound(self, packet: Any, stream: int) -> None:
        """A packet of one of the streams of sound, in their order."""
        packet.stream = self._sound[stream]
        self._container.mux(packet)

    def _mux(self, packets: Iterable[Any]) -> None:
        for packet in packets:
            for part in [packet] if self._filter is None else self._filter.filter(packet):
                self._container.mux(part)


def comment(notes: dict[str, Any]) -> str:
    """What is written as a file's comment, for `video_stream.read`."""
    return json.dumps(notes, separators=(",", ":"))
