"""MP4 files of one video stream, as PyAV (FFmpeg's libraries) writes and reads them."""

import io
import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np

from keras_sandwich._optional import import_library
from keras_sandwich.codecs.checks import check_size
from keras_sandwich.codecs.libraries import damage_in_words

RATE = 25  # frames a second: clips have no time of their own
# H.273: codes of matrix, primaries and transfer. BT.601's matrix goes with the primaries and the transfer of BT.709.
MATRIX_CODES = {"bt709": 1, "bt601": 6}
_MATRICES = {1: "bt709", 5: "bt601", 6: "bt601"}
_BT709 = 1
_LIMITED, _FULL = 1, 2  # as FFmpeg numbers the ranges
_LEVELS = {"gray": 1, "yuv420p": 3, "yuv444p": 3}  # pixel formats that are read, and their planes


class Stream(NamedTuple):
    """What a file holds: the planes of each frame, and how they are meant."""

    frames: list[list[np.ndarray]]
    bits: int
    matrix: str | None
    full_range: bool | None
    notes: dict[str, Any]


def pyav(user: str) -> Any:
    """`av`."""
    return import_library("av", user, "video")


def library_versions(user: str) -> str:
    """Such as "PyAV 18.1.0, libavcodec 62.28.102"."""
    library = pyav(user)
    number = ".".join(map(str, library.library_versions["libavcodec"]))
    return f"PyAV {library.__version__}, libavcodec {number}"


def write(
    frames: Iterable[list[np.ndarray]],
    encoder: str,
    pixels: str,
    matrix: str,
    options: dict[str, str],
    notes: dict[str, Any],
    unwanted: str | None = None,
) -> bytes:
    """Frames of planes, all of one size, to the bytes of an MP4 file.

    Args:
        frames: luma, or luma and chroma, of full range.
        encoder: FFmpeg's name of it.
        pixels: FFmpeg's name of the planes' format.
        matrix: of the chroma.
        options: of the encoder.
        notes: what is written as the file's comment, for `read`.
        unwanted: types of NAL units that are left out.
    """
    library = pyav(encoder)
    if encoder not in library.codecs_available:
        raise ImportError(
            f"This PyAV {library.__version__} has no {encoder}. The wheels of 15.1 and later have: "
            'pip install "keras-sandwich[video]" "av>=15.1".'
        )
    buffer = io.BytesIO()
    container = library.open(buffer, "w", format="mp4", options={"fflags": "+bitexact"})
    with closing(container):
        container.metadata["comment"] = json.dumps(notes, separators=(",", ":"))
        stream: Any = None
        bitstream = None
        for number, planes in enumerate(frames):
            if stream is None:
                stream = container.add_stream(encoder, rate=RATE, options=options)
                context = stream.codec_context
                context.height, context.width = planes[0].shape
                context.pix_fmt = pixels
                context.thread_count = 1  # more of them change the stream
                context.color_range, context.colorspace = _FULL, MATRIX_CODES[matrix]
                context.color_primaries = context.color_trc = _BT709
                if unwanted:
                    filters = library.BitStreamFilterContext
                    bitstream = filters(f"filter_units=remove_types={unwanted}", stream)
            frame = _frame(library, planes, pixels, number)
            frame.color_range, frame.colorspace = _FULL, MATRIX_CODES[matrix]
            _mux(container, stream.encode(frame), bitstream)
        _mux(container, stream.encode(None), bitstream)
    return buffer.getvalue()


def _mux(container: Any, packets: Iterable[Any], bitstream: Any) -> None:
    for packet in packets:
        for part in [packet] if bitstream is None else bitstream.filter(packet):
            container.mux(part)


def _frame(library: Any, planes: list[np.ndarray], pixels: str, number: int) -> Any:
    height, width = planes[0].shape
    frame = library.VideoFrame(width, height, pixels)
    for plane, values in zip(frame.planes, planes, strict=True):
        lines = np.zeros((plane.height, plane.line_size // values.itemsize), values.dtype)
        lines[:, : plane.width] = values
        plane.update(lines.tobytes())
    frame.pts = number
    return frame


def read(data: bytes, user: str) -> Stream:
    """The only stream of a file, all frames of it, or ValueError or OSError."""
    library = pyav(user)
    with damage_in_words("video"), closing(_opened(library, data)) as container:
        stream = _stream(container)
        stream.codec_context.thread_count = 1
        stream.codec_context.options = {"err_detect": "explode"}
        frames: list[list[np.ndarray]] = []
        kinds = set()
        for frame in container.decode(stream):
            if frame.is_corrupt:
                raise ValueError(f"Frame {len(frames)} of the file is damaged.")
            frames.append(frame_planes(frame))
            kinds.add((frame.format.name, *stated_colours(frame)))
        sizes = {planes[0].shape for planes in frames}
        if len(kinds) != 1 or len(sizes) != 1 or len(frames) != stream.frames:
            raise ValueError(
                f"Expected {stream.frames} frames of one size and format. Received {len(frames)} of "
                f"the sizes {sorted(sizes)}: the data is cut short or damaged."
            )
        ((name, matrix, full),) = kinds
        return Stream(frames, frame_depth(name), matrix, full, _notes(container))


def _opened(library: Any, data: bytes) -> Any:
    if data[4:8] != b"ftyp":
        raise ValueError("Not an MP4 file: it does not begin as one.")
    place = 0
    while 0 <= place < len(data):  # the boxes of a whole file end where it ends
        size = int.from_bytes(data[place : place + 4])
        if size == 1:  # ISO/IEC 14496-12, 4.2: 64 bits behind the name
            size = int.from_bytes(data[place + 8 : place + 16])
        elif size == 0:  # to the end of the file
            size = len(data) - place
        place = place + size if size >= 8 else -1
    if place != len(data):
        raise ValueError("The file's boxes do not end where it ends: it is cut short or damaged.")
    return library.open(io.BytesIO(data), "r", format="mp4")


def _stream(container: Any) -> Any:
    if len(container.streams) != 1 or len(container.streams.video) != 1:
        raise ValueError(f"Expected one stream, of video. Received {len(container.streams)}.")
    stream = container.streams.video[0]
    check_size(stream.codec_context.width, stream.codec_context.height)
    if not stream.frames:
        raise ValueError("The file holds no frame.")
    return stream


def _notes(container: Any) -> dict[str, Any]:
    """What `write` noted; nothing in files of others."""
    try:
        notes = json.loads(container.metadata.get("comment", "{}"))
    except ValueError:
        return {}
    return notes if isinstance(notes, dict) else {}


def stated_colours(frame: Any) -> tuple[str | None, bool | None]:
    """(Matrix, whether the range is full) as PyAV's frame has them; None for what is not stated."""
    ranges = {_LIMITED: False, _FULL: True}
    full = True if frame.format.name.startswith("yuvj") else ranges.get(int(frame.color_range))
    return _MATRICES.get(int(frame.colorspace)), full


def frame_depth(name: str) -> int:
    """The bits of a pixel format's samples."""
    return int(name.removesuffix("le").rpartition("p" if "p" in name else "y")[2] or 8)


def frame_planes(frame: Any) -> list[np.ndarray]:
    """Luma, or luma and chroma, as PyAV's frame has them; ValueError for other formats than gray, 4:2:0 and 4:4:4."""
    check_size(frame.width, frame.height)
    name = frame.format.name
    kind = name.removesuffix("le").rstrip("012").replace("yuvj", "yuv")
    bits = frame_depth(name)
    if kind not in _LEVELS or bits not in (8, 10, 12):
        raise ValueError(
            f"Expected gray, 4:2:0 or 4:4:4 frames of 8, 10 or 12 bits. Received {name!r}."
        )
    dtype = "uint8" if bits == 8 else "uint16"
    planes = []
    for plane in frame.planes[: _LEVELS[kind]]:
        lines = np.frombuffer(plane, dtype).reshape(plane.height, -1)
        planes.append(lines[:, : plane.width].copy())
    return planes


def count_bits(data: bytes, user: str) -> int:
    """The bits of all packets, and of the parameter sets that stand beside them; not those of the container."""
    library = pyav(user)
    with damage_in_words("video"), closing(_opened(library, data)) as container:
        stream = _stream(container)
        count = sum(packet.size for packet in container.demux(stream))
        header = bytes(stream.codec_context.extradata or b"")
        # Those of AV1 and VP9 are in the first packet too.
        sets = _parameter_sets(header, stream.codec_context.name)
        return 8 * (count + sum(4 + length for length in sets))


def _parameter_sets(header: bytes, codec: str) -> Iterator[int]:
    """The lengths of the parameter sets in an AVC or HEVC configuration record (ISO/IEC 14496-15)."""
    if codec == "h264":
        place, groups = 5, [31, 255]  # SPS, whose count has five bits, and PPS
        for mask in groups:
            number, place = header[place] & mask, place + 1
            for _ in range(number):
                length = int.from_bytes(header[place : place + 2])
                yield length
                place += 2 + length
    elif codec == "hevc":
        place = 23
        for _ in range(header[22]):
            number, place = int.from_bytes(header[place + 1 : place + 3]), place + 3
            for _ in range(number):
                length = int.from_bytes(header[place : place + 2])
                yield length
                place += 2 + length
