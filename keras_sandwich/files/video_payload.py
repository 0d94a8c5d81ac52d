"""What a coded video says about itself: the payload of pictures, in the metadata of an MP4 file, however long it is."""

import hashlib
import json
import mmap
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from keras_sandwich.codecs.clip_planes import from_planes
from keras_sandwich.codecs.video_reader import Frame, VideoReader
from keras_sandwich.files.payload import (
    NO_CHECKSUM,
    WRITTEN_CHECKSUMS,
    NotACodedFile,
    Payload,
)

KEY = "keras_sandwich"  # of the file's metadata, where the XMP packet stands
PIECE = 2**20  # bytes of a file that are read at a time


def is_video(path: Path) -> bool:
    """Whether a file begins as an MP4 file of video does, and not as one of pictures."""
    with open(path, "rb") as file:
        begin = file.read(12)
    return begin[4:8] == b"ftyp" and begin[8:12] in (b"isom", b"iso2", b"mp41", b"mp42", b"avc1")


def read_payload(reader: VideoReader) -> Payload:
    """What the video says of itself. Anything wrong raises ValueError."""
    packet = reader.metadata.get(KEY)
    if packet is None:
        raise NotACodedFile(
            "it carries no metadata of keras-sandwich. It was not written by `encode_file`, or was "
            "written anew by a program that dropped them"
        )
    return Payload.from_xmp(packet.encode())


def coded_samples(reader: VideoReader, frame: Frame) -> np.ndarray:
    """A frame of a coded video as it was coded, [height, width, 1 or 3] of integers."""
    height, width, channels = coded_shape(reader)
    matrix = reader.matrix if channels == 3 else None
    samples = from_planes(frame.planes[:channels], reader.bits, matrix, reader.full_range)
    return samples[:height, :width]


def coded_shape(reader: VideoReader) -> tuple[int, int, int]:
    """(Height, width, channels) of the frames that were coded; the video's may be larger by one."""
    try:
        notes = json.loads(reader.metadata.get("comment", ""))
        sides = [int(side) for side in notes["size"]]
        channels = int(notes["channels"])
    except (ValueError, TypeError, KeyError):
        sides, channels = [], 0
    right = len(sides) == 2 and channels in (1, 3)
    if not right or not all(
        0 <= n - side <= 1 and side > 0 for n, side in zip(reader.size, sides, strict=True)
    ):
        raise ValueError("its comment does not name the size of what was coded: it is damaged")
    return sides[0], sides[1], channels


def clip_digest(reader: VideoReader) -> str:
    """32 hexadecimal digits of the SHA-256 of "HEIGHTxWIDTHxPLANESxBYTES " and the samples of all decoded frames.

    BYTES are those of a sample, 1 or 2, written little-endian; the planes of a frame follow each other.
    """
    height, width, channels = coded_shape(reader)
    digest = hashlib.sha256(f"{height}x{width}x{channels}x{1 + (reader.bits > 8)} ".encode())
    for part in reader:
        if isinstance(part, Frame):
            for plane in part.planes[:channels]:
                digest.update(np.ascontiguousarray(plane, plane.dtype.newbyteorder("<")).data)
    return digest.hexdigest()[:32]


def seal(path: Path, payload: Payload, pixels: str) -> None:
    """Puts the checksums into a file that was written with `payload.to_xmp(sealed=False)`; no other byte changes."""
    blank = payload.to_xmp(sealed=False)
    known = replace(payload, pixels=pixels)
    with _mapped(path, mmap.ACCESS_WRITE) as data:
        place = _place(data, blank)
        data[place : place + len(blank)] = known.to_xmp(sealed=False)
        checksum = f"{_checksum(data):08x}"
        data[place : place + len(blank)] = replace(known, file=checksum).to_xmp()


def is_unaltered(path: Path, xmp: bytes, payload: Payload) -> bool:
    """Whether every byte of the file is as `seal` left it; `xmp` is the packet that stands in it."""
    blank = WRITTEN_CHECKSUMS.sub(rb"\g<1>" + NO_CHECKSUM.encode(), xmp)
    with _mapped(path, mmap.ACCESS_READ) as data:
        place = data.rfind(xmp)
        if place < 0:
            return False
        return payload.file == f"{_checksum(data, place, blank):08x}"


@contextmanager
def _mapped(path: Path, access: int) -> Iterator[mmap.mmap]:
    with (
        open(path, "r+b" if access == mmap.ACCESS_WRITE else "rb") as file,
        mmap.mmap(file.fileno(), 0, access=access) as data,
    ):
        yield data


def _place(data: mmap.mmap, packet: bytes) -> int:
    place = data.rfind(packet)
    if place < 0:
        raise ValueError(
            "The file must store the metadata byte for byte. Received one that does not."
        )
    return place


def _checksum(data: mmap.mmap, place: int = 0, instead: bytes = b"") -> int:
    """The CRC-32 of a file in which other bytes stand at a place."""
    checksum = 0
    for begin, end in ((0, place), (place + len(instead), len(data))):
        for start in range(begin, end, PIECE):
            checksum = zlib.crc32(data[start : min(start + PIECE, end)], checksum)
        if begin == 0:
            checksum = zlib.crc32(instead, checksum)
    return checksum
