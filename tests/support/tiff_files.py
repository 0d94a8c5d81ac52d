"""Uncompressed TIFF files written byte by byte, of every kind that there is (TIFF 6.0)."""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

SHORT, LONG, RATIONAL = 3, 4, 5


def packed(levels: np.ndarray, bits: int, order: str) -> bytes:
    """Rows of samples of so many bits, each row to whole bytes: high bits first, or as words of the byte order."""
    if bits in (16, 32):
        return levels.astype(f"{order}u{bits // 8}").tobytes()
    rows = levels.reshape(len(levels), -1)
    digits = (rows[..., None].astype("int64") >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(digits.reshape(len(rows), -1).astype("uint8"), axis=1).tobytes()


def tiff(
    pages: Sequence[np.ndarray] | np.ndarray,
    bits: int,
    photometric: int,
    tags: dict[int, tuple[int, Sequence[Any]]] | None = None,
    order: str = "<",
    page_tags: Sequence[dict[int, tuple[int, Sequence[Any]]]] = (),
) -> bytes:
    """A file of one or several pages [height, width, samples], one strip each; `tags` by number: type and values."""
    pages = [pages] if isinstance(pages, np.ndarray) else list(pages)
    file = (b"II*\0" if order == "<" else b"MM\0*") + bytes(4)
    link = 4  # where the place of the next directory is written
    for number, levels in enumerate(pages):
        height, width, samples = levels.shape
        strip = packed(levels, bits, order)
        own = page_tags[number] if page_tags else {}
        entries = {
            256: (LONG, [width]),
            257: (LONG, [height]),
            258: (SHORT, [bits] * samples),
            259: (SHORT, [1]),
            262: (SHORT, [photometric]),
            273: (LONG, [len(file)]),
            277: (SHORT, [samples]),
            279: (LONG, [len(strip)]),
            **(tags or {}),
            **own,
        }
        file += strip + bytes(len(strip) % 2)
        table = b""
        for tag, (kind, values) in sorted(entries.items()):
            if kind == RATIONAL:
                content = b"".join(
                    struct.pack(order + "II", round(v * 10**6), 10**6) for v in values
                )
            else:
                content = struct.pack(
                    f"{order}{len(values)}{'H' if kind == SHORT else 'I'}", *values
                )
            if len(content) > 4:
                content, place = content + bytes(len(content) % 2), len(file)
                file += content
                content = struct.pack(order + "I", place)
            table += struct.pack(order + "HHI", tag, kind, len(values)) + content.ljust(4, b"\0")
        file = file[:link] + struct.pack(order + "I", len(file)) + file[link + 4 :]
        link = len(file) + 2 + len(table)
        file += struct.pack(order + "H", len(entries)) + table + bytes(4)
    return file
