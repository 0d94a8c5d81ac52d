"""The bytes of MP4 files of one video stream, as PyAV (FFmpeg's libraries) reads them."""

import io
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from keras_sandwich._optional import import_library
from keras_sandwich.codecs import libraries
from keras_sandwich.codecs.checks import check_size

# H.273: codes of matrix, primaries and transfer. BT.601's matrix goes with the primaries and the transfer of BT.709.
MATRIX_CODES = {"bt709": 1, "bt601": 6, "bt2020": 9}
MATRICES = {1: "bt709", 5: "bt601", 6: "bt601", 9: "bt2020"}
GREEN_BLUE_RED = 0  # the matrix of what is R, G and B already
LIMITED, FULL = 1, 2  # as FFmpeg numbers the ranges
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


@contextmanager
def damage_in_words() -> Iterator[None]:
    """Whatever FFmpeg raises for a damaged file, as ValueError; OSError stays what it is."""
    try:
        with libraries.damage_in_words("video"):
            yield
    except MemoryError as error:
        if not isinstance(error, pyav("video").error.FFmpegError):
            raise
        raise ValueError(
            f"Not a readable video file: it asks for more memory than there is. {error}"
        ) from error


def library_versions(user: str) -> str:
    """Such as "PyAV 18.1.0, libavcodec 62.28.102"."""
    library = pyav(user)
    number = ".".join(map(str, library.library_versions["libavcodec"]))
    return f"PyAV {library.__version__}, libavcodec {number}"


def read(data: bytes, user: str) -> Stream:
    """The only stream of a file, all frames of it, or ValueError or OSError."""
    library = pyav(user)
    with damage_in_words(), closing(_opened(library, data)) as container:
        stream = _stream(container)
        stream.codec_context.thread_count = 1
        stream.codec_context.options = {"err_detect": "explode"}
        frames: list[list[np.ndarray]] = []
        kinds = set()
        for frame in container.decode(stream):
            if frame.is_corrupt:
                raise ValueError(f"Frame {len(frames)} of the file is damaged.")
            frames.append(_planes(frame))
            kinds.add((frame.format.name, frame.color_range, frame.colorspace))
        sizes = {planes[0].shape for planes in frames}
        if len(kinds) != 1 or len(sizes) != 1 or len(frames) != stream.frames:
            raise ValueError(
                f"Expected {stream.frames} frames of one size and format. Received {len(frames)} of "
                f"the sizes {sorted(sizes)}: the data is cut short or damaged."
            )
        ((name, colours, matrix),) = kinds
        ranges = {LIMITED: False, FULL: True}
        full = True if name.startswith("yuvj") else ranges.get(int(colours))
        return Stream(frames, _depth(name), MATRICES.get(int(matrix)), full, _notes(container))


def _opened(library: Any, data: bytes) -> Any:
    if data[4:8] != b"ftyp":
        raise ValueError("Not an MP4 file: it does not begin as one.")
    file = io.BytesIO(data)
    require_whole_boxes(file)
    return library.open(file, "r", format="mp4")


def require_whole_boxes(file: BinaryIO) -> None:
    """ValueError unless the boxes of an MP4 file, at its beginning, end where it ends."""
    end = file.seek(0, io.SEEK_END)
    place = 0
    while 0 <= place < end:
        file.seek(place)
        head = file.read(16)
        size = int.from_bytes(head[:4])
        if size == 1:  # ISO/IEC 14496-12, 4.2: 64 bits behind the name
            size = int.from_bytes(head[8:])
        elif size == 0:  # to the end of the file
            size = end - place
        place = place + size if size >= 8 else -1
    if place != end:
        raise ValueError("The file's boxes do not end where it ends: it is cut short or damaged.")
    file.seek(0)


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


def _depth(name: str) -> int:
    return int(name.removesuffix("le").rpartition("p" if "p" in name else "y")[2] or 8)


def _planes(frame: Any) -> list[np.ndarray]:
    check_size(frame.width, frame.height)
    name = frame.format.name
    kind = name.removesuffix("le").rstrip("012").replace("yuvj", "yuv")
    bits = _depth(name)
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
    with damage_in_words(), closing(_opened(library, data)) as container:
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
