"""What every video codec is: clips to the bytes of an MP4 file, and back."""

import abc
import dataclasses
import io
from collections.abc import Sequence
from typing import Any, BinaryIO, ClassVar, Self

import numpy as np

from keras_sandwich._arguments import check_number, require_option
from keras_sandwich.codecs import video_stream
from keras_sandwich.codecs.checks import check_bits, check_data, check_depth
from keras_sandwich.codecs.clip_planes import MATRICES, from_planes, to_planes
from keras_sandwich.codecs.libraries import refusal_in_words
from keras_sandwich.codecs.video_writer import VideoFormat, VideoWriter, comment

INTRA_PERIOD = 32  # frames, with random access


@dataclasses.dataclass(frozen=True, kw_only=True)
class VideoCodec(abc.ABC):
    """A video codec of the host: clips [frames, height, width, 1 or 3] to the bytes of an MP4 file, and back.

    One of `qp`, a constant quantizer that all frames have, and `crf`, a constant quality, sets the strength, of which
    more is fewer bits. Planes are of full range; range and matrix are written into the stream, and those of a file are
    honoured. One thread encodes, so that the same clip is always the same file. The classes are `X264`, `X265`,
    `SVTAV1` and `VP9`.
    """

    qp: int | None = None
    crf: float | None = None
    gop: str = "random_access"
    chroma_subsampling: str = "4:2:0"
    bits: int = 8
    color_transform: bool = True
    matrix: str = "bt709"

    kind: ClassVar[str]  # such as "H.264"
    encoder: ClassVar[str]  # FFmpeg's name of it
    depths: ClassVar[tuple[int, ...]] = (8,)
    subsamplings: ClassVar[tuple[str, ...]] = ("4:2:0",)
    gops: ClassVar[tuple[str, ...]] = ("low_delay", "random_access")
    least: ClassVar[int] = 0
    default_qp: ClassVar[int] = 32
    unwanted_units: ClassVar[str | None] = None
    suffixes: ClassVar[tuple[str, ...]] = (".mp4",)

    def __post_init__(self) -> None:
        if self.qp is not None and self.crf is not None:
            raise ValueError(f"Give one of qp and crf. Received qp={self.qp} and crf={self.crf}.")
        object.__setattr__(self, "bits", check_depth(self.bits, self.depths))
        if self.qp is None and self.crf is None:
            object.__setattr__(self, "qp", self.default_qp)
        for name in ("qp", "crf"):
            value = getattr(self, name)
            if value is not None:
                number = check_number(value, name, self.least, self.largest)
                if name == "qp" and not number.is_integer():
                    raise ValueError(f"`qp` must be an integer. Received qp={value!r}.")
                object.__setattr__(self, name, int(number) if name == "qp" else number)
        require_option(self.gop, self.gops, "gop")
        require_option(self.chroma_subsampling, self.subsamplings, "chroma_subsampling")
        require_option(self.matrix, tuple(MATRICES), "matrix")

    @property
    def largest(self) -> int:
        """The largest quantizer."""
        return 63

    @property
    def name(self) -> str:
        """What the codec is, for the record."""
        depth = "" if self.bits == 8 else f", {self.bits} bits"
        return f"{self.kind} {self.chroma_subsampling}{depth}, {self.gop.replace('_', ' ')}"

    @property
    def version(self) -> str:
        """The libraries that do the work, and their versions."""
        return f"{self.encoder} in {video_stream.library_versions(self.kind)}"

    @property
    def settings(self) -> dict[str, Any]:
        """The class and every argument, and what the encoder is told, as JSON can hold them."""
        arguments = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {"class": type(self).__name__, **arguments, "options": self.options}

    @property
    @abc.abstractmethod
    def options(self) -> dict[str, str]:
        """What the encoder is told, in FFmpeg's words."""

    @property
    def strength(self) -> float:
        """The quantizer, or the constant quality: larger is fewer bits."""
        return float(self.crf if self.qp is None else self.qp)  # type: ignore[arg-type]

    def with_strength(self, strength: float) -> Self:
        """The same codec at another strength.

        Raises:
            ValueError: a strength out of the range, or a quantizer that is no integer.
        """
        changed: dict[str, Any] = {"crf" if self.qp is None else "qp": strength}
        return dataclasses.replace(self, **changed)

    @property
    def strengths(self) -> tuple[float, ...]:
        """Every strength that is worth trying, increasing."""
        return tuple(float(strength) for strength in range(self.least, self.largest + 1))

    def encode(self, clip: np.ndarray) -> bytes:
        """A clip to the bytes of a file.

        Args:
            clip: [frames, height, width, 1 or 3], uint8 for 8 bits, else uint16; R, G and B, or with
                `color_transform=False` luma and chroma, all of full size.

        Raises:
            ValueError: another shape or dtype, or what the encoder refuses.
            ImportError: PyAV is not installed.
        """
        clip = self._checked(clip)
        _, height, width, channels = clip.shape
        buffer = io.BytesIO()
        with (
            refusal_in_words(self.kind, clip[0]),
            self.writer(buffer, (height, width), channels) as writer,
        ):
            for frame in clip:
                writer.add(self.planes(frame))
        return buffer.getvalue()

    def writer(
        self,
        file: BinaryIO,
        size: tuple[int, int],
        channels: int,
        sound: Sequence[Any] = (),
        **format_: Any,
    ) -> VideoWriter:
        """A writer of frames, each as `planes` makes it; `format_` are arguments of `VideoFormat`."""
        height, width = size
        halves = self._halves(channels)
        gray = self._is_gray(channels)
        subsampled = f"yuv{self.chroma_subsampling.replace(':', '')}p"
        pixels = ("gray" if gray else subsampled) + ("" if self.bits == 8 else f"{self.bits}le")
        notes = {"size": [height, width], "channels": channels, "rgb": self.color_transform}
        metadata = {"comment": comment(notes), **format_.pop("metadata", {})}
        described = VideoFormat(
            self.encoder,
            pixels,
            self.options,
            self.matrix,
            unwanted_units=self.unwanted_units,
            metadata=metadata,
            **format_,
        )
        return VideoWriter(
            file, described, (height + height % 2 * halves, width + width % 2 * halves), sound
        )

    def planes(self, frame: np.ndarray) -> list[np.ndarray]:
        """A frame [height, width, 1 or 3] as what is coded of it."""
        height, width, channels = frame.shape
        halves = self._halves(channels)
        margins = ((0, height % 2 * halves), (0, width % 2 * halves), (0, 0))
        frame = np.pad(frame, margins, mode="edge")
        made = to_planes(frame, self.bits, halves, self.matrix if self.color_transform else None)
        if channels == 3 or self._is_gray(channels):
            return made
        shape = [side // 2 if halves else side for side in frame.shape[:2]]
        return [*made, *[np.full(shape, 2 ** (self.bits - 1), frame.dtype)] * 2]

    def _halves(self, channels: int) -> bool:
        """Whether there is chroma at half the size."""
        return self.chroma_subsampling == "4:2:0" and not self._is_gray(channels)

    def _is_gray(self, channels: int) -> bool:
        """Whether the stream has no chroma."""
        return channels == 1 and getattr(self, "monochrome", False)

    def decode(self, data: bytes) -> np.ndarray:
        """The bytes of a file to a clip, as `encode` takes it.

        Raises:
            ValueError: damage, a file of other bits, or one that does not say its range or matrix. OSError: damage too.
            TypeError: what is no bytes.
            ImportError: PyAV is not installed.
        """
        stream = video_stream.read(check_data(data), self.kind)
        check_bits(stream.bits, self.bits)
        height, width, channels = self._noted(stream)
        rgb = stream.notes.get("rgb", self.color_transform) and channels == 3
        if stream.full_range is None or (rgb and stream.matrix is None):
            raise ValueError(
                "Expected a file that says its range, full or limited, and its matrix, BT.709 or BT.601. "
                f"Received one of full range: {stream.full_range}, matrix: {stream.matrix}."
            )
        frames = [
            from_planes(
                planes[:channels], self.bits, stream.matrix if rgb else None, stream.full_range
            )
            for planes in stream.frames
        ]
        return np.stack(frames)[:, :height, :width]

    def count_bits(self, data: bytes) -> int:
        """The bits of a file's packets, parameter sets included, the MP4 container's own excluded."""
        return video_stream.count_bits(check_data(data), self.kind)

    def _noted(self, stream: video_stream.Stream) -> tuple[int, int, int]:
        """(Height, width, channels) of the clip that was coded; those of the stream in files of others."""
        first = stream.frames[0]
        size = stream.notes.get("size", list(first[0].shape))
        channels = stream.notes.get("channels", len(first))
        right = (
            isinstance(size, list)
            and len(size) == 2
            and all(isinstance(side, int) for side in size)
            and all(
                0 <= n - side <= 1 and side for n, side in zip(first[0].shape, size, strict=True)
            )
        )
        if not right or channels not in (1, 3) or channels > len(first):
            raise ValueError(
                f"The file holds {len(first)} planes of {first[0].shape} and claims a clip of "
                f"{channels} channels and the size {size}: it is damaged."
            )
        return size[0], size[1], channels

    def _checked(self, clip: Any) -> np.ndarray:
        clip = np.asarray(clip)
        dtype = np.dtype(np.uint8 if self.bits == 8 else np.uint16)
        if (
            clip.dtype != dtype
            or clip.ndim != 4
            or clip.shape[-1] not in (1, 3)
            or not clip.size
            or clip.max() >= 2**self.bits
        ):
            raise ValueError(
                f"Expected {dtype} [frames, height, width, 1 or 3] from 0 to {2**self.bits - 1}. "
                f"Received {clip.dtype} of shape {clip.shape}"
                + (f", up to {clip.max()}." if clip.size else ".")
            )
        return clip
