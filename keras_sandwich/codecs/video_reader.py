"""Videos of any kind, frame by frame, as PyAV (FFmpeg's libraries) reads them."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, BinaryIO, NamedTuple, Self

import numpy as np

from keras_sandwich.codecs.checks import check_size
from keras_sandwich.codecs.video_stream import (
    FULL,
    GREEN_BLUE_RED,
    MATRICES,
    damage_in_words,
    pyav,
    require_whole_boxes,
)

UNSPECIFIED = 2  # of H.273
HIGH_DEFINITION = 720  # lines, from which on players take an unnamed matrix as BT.709


class Frame(NamedTuple):
    """A frame: its planes, luma or red first.

    Attributes:
        planes: [height, width] each.
        time: when it is shown, in units of the reader's `time_base`.
        rotation: by how many degrees viewers turn it, counterclockwise.
    """

    planes: list[np.ndarray]
    time: int
    rotation: int


class Sound(NamedTuple):
    """A packet of one of the reader's `sound` streams."""

    packet: Any
    stream: int


class VideoReader:
    """The video of a file, and its sound as it stands there.

    Args:
        file: of any container and codec that FFmpeg reads; closed by whoever opened it.

    Attributes:
        size: (height, width) of the frames, not turned.
        bits: of a sample, 8 to 16.
        channels: 1 or 3.
        matrix: "bt709", "bt601" or "bt2020"; None: the planes are R, G and B. Where the file names none, BT.709 from
            720 lines on and BT.601 below, as players take it.
        full_range: whether samples span the whole range; where the file does not say, they do not.
        primaries: of H.273, 2 where the file names none.
        transfer: the same of the transfer function.
        time_base: the unit of times, in seconds.
        rate: frames a second on average.
        aspect: of the pixels.
        sound: PyAV's streams.
        metadata: of the file.
        frames: how many the file says that it holds; 0 where it does not say.
        seconds: that it lasts; None where the file does not say.

    Raises:
        OSError, ValueError: no video, or one that is damaged, interlaced, transparent or of changing size.
        ImportError: PyAV is not installed.
    """

    def __init__(self, file: BinaryIO, user: str = "Video") -> None:
        self._library = pyav(user)
        with damage_in_words():
            begin = file.read(8)
            file.seek(0)
            if begin[4:] == b"ftyp":
                require_whole_boxes(file)
            self._container = self._library.open(file, "r")
            try:
                self._describe()
            except BaseException:
                self._container.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def _describe(self) -> None:
        streams = self._container.streams
        cover = self._library.stream.Disposition.attached_pic
        videos = [stream for stream in streams.video if not stream.disposition & cover]
        if not videos:
            raise ValueError("Expected a video. Received a file without one.")
        self._stream = videos[0]
        context = self._stream.codec_context
        check_size(context.width, context.height)
        self.size = (context.height, context.width)
        self.sound = list(streams.audio)
        self.metadata = dict(self._container.metadata)
        self.frames = int(self._stream.frames)
        self.rate = Fraction(self._stream.average_rate or self._stream.guessed_rate or 25)
        self.time_base = Fraction(self._stream.time_base)
        duration = self._stream.duration
        self.seconds = None if duration is None else float(duration * self.time_base)
        self.aspect = Fraction(self._stream.sample_aspect_ratio or 1)
        format_ = context.format
        name = format_.name
        if any(component.is_alpha for component in format_.components):
            raise ValueError(
                f"Expected a video without transparency. Received frames of {name!r}; lay them on a background first."
            )
        self.bits = max(component.bits for component in format_.components)
        self.channels = 1 if name.startswith(("gray", "mono")) else 3
        matrix = int(context.colorspace)
        rgb = format_.is_rgb or matrix == GREEN_BLUE_RED
        named = MATRICES.get(matrix)
        if named is None and not rgb and matrix != UNSPECIFIED:
            raise ValueError(
                f"Expected a matrix of BT.709, BT.601 or BT.2020. Received number {matrix} of H.273; convert the video."
            )
        usual = "bt709" if self.size[0] >= HIGH_DEFINITION else "bt601"
        self.matrix = None if rgb else named or usual
        self.full_range = rgb or name.startswith("yuvj") or int(context.color_range) == FULL
        self.primaries, self.transfer = int(context.color_primaries), int(context.color_trc)
        self._format = _planar(name, self.channels, rgb, self.bits)

    def count_coded(self) -> int:
        """The bytes of the video's packets, of which nothing is decoded; the reader is at its end then."""
        with damage_in_words():
            return sum(packet.size for packet in self._container.demux(self._stream))

    def __iter__(self) -> Iterator[Frame | Sound]:
        """Frames in the order of their display, and packets of sound, each soon after what is heard with it."""
        streams = [self._stream, *self.sound]
        places = {stream.index: place for place, stream in enumerate(self.sound)}
        packets, shown = 0, 0
        step = round(1 / (self.rate * self.time_base)) or 1
        with damage_in_words():
            for packet in self._container.demux(streams):
                if packet.stream is not self._stream:
                    if packet.dts is not None:
                        yield Sound(packet, places[packet.stream.index])
                    continue
                packets += packet.size > 0
                for frame in packet.decode():
                    planes = self._planes(frame, shown)
                    time = shown * step if frame.pts is None else frame.pts
                    yield Frame(planes, time, int(frame.rotation))
                    shown += 1
        if not shown or (self.frames and packets < self.frames):
            raise ValueError(
                f"Expected {self.frames or 'some'} frames. Received {packets}: the file is cut short or damaged."
            )

    def _planes(self, frame: Any, number: int) -> list[np.ndarray]:
        if frame.is_corrupt:
            raise ValueError(f"Frame {number} of the file is damaged.")
        if frame.interlaced_frame:
            raise ValueError(
                f"Expected a video of whole frames. Received an interlaced one (frame {number}); deinterlace it first, "
                "as FFmpeg's filter bwdif does."
            )
        if (frame.height, frame.width) != self.size:
            raise ValueError(
                f"Expected frames of {self.size[1]}×{self.size[0]} pixels, as the first. Received frame {number} of "
                f"{frame.width}×{frame.height}; cut the video where its size changes."
            )
        if frame.format.name != self._format:
            # Chroma is resampled, packed samples are put in planes: no colour changes.
            frame = frame.reformat(format=self._format)
        dtype = "uint8" if self.bits == 8 else "uint16"
        planes = []
        for plane in frame.planes:
            lines = np.frombuffer(plane, dtype).reshape(plane.height, -1)
            planes.append(lines[:, : plane.width].copy())
        # FFmpeg keeps R, G and B as green, blue, red.
        return [planes[2], *planes[:2]] if self.matrix is None and self.channels == 3 else planes


def _planar(name: str, channels: int, rgb: bool, bits: int) -> str:
    """FFmpeg's name of planes that hold such a format's samples."""
    depth = "" if bits == 8 else f"{bits}le"
    if channels == 1:
        return f"gray{depth}"
    if rgb:
        return f"gbrp{depth}"
    kept = name.replace("yuvj", "yuv").startswith("yuv420p")
    return f"{'yuv420p' if kept else 'yuv444p'}{depth}"
