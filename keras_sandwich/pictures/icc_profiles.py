"""ICC profiles made of primaries and a transfer curve (ICC.1:2010, version 4), for files that state them otherwise."""

import struct
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

D50 = (0.9642, 1.0, 0.8249)  # the white of the profile connection space, ICC.1:2010, 7.2.16
# Bradford, ICC.1:2010, Annex E.3.
CONES = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)  # IEC 61966-2-1, as para type 3

Point = tuple[float, float]


@dataclass(frozen=True)
class Primaries:
    """CIE xy of red, green, blue and white."""

    red: Point
    green: Point
    blue: Point
    white: Point = (0.3127, 0.3290)  # D65

    def close_to(self, other: "Primaries", tolerance: float = 0.002) -> bool:
        """Whether no coordinate differs by more."""
        return bool(np.allclose(self.points(), other.points(), rtol=0, atol=tolerance))

    def points(self) -> list[Point]:
        """Red, green, blue and white."""
        return [self.red, self.green, self.blue, self.white]


SRGB = Primaries((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
ADOBE_RGB = Primaries((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))  # Adobe RGB (1998), 4.3.1
ADOBE_GAMMA = 563 / 256


@lru_cache(maxsize=64)
def rgb_profile(primaries: Primaries, gamma: float | None, name: str) -> bytes:
    """A profile of RGB colours; `gamma` None is sRGB's curve."""
    matrix, adaptation = _to_d50(primaries)
    columns = {tag: _xyz(matrix[:, i]) for i, tag in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    curve = _curve(gamma)
    tags = {
        **_texts(name),
        b"wtpt": _xyz(D50),
        b"chad": b"sf32" + bytes(4) + b"".join(_fixed(value) for value in adaptation.flat),
        **columns,
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    return _profile(b"RGB ", tags)


@lru_cache(maxsize=64)
def gray_profile(gamma: float | None, name: str) -> bytes:
    """A profile of gray; `gamma` None is sRGB's curve."""
    return _profile(b"GRAY", {**_texts(name), b"wtpt": _xyz(D50), b"kTRC": _curve(gamma)})


def _to_d50(primaries: Primaries) -> tuple[np.ndarray, np.ndarray]:
    """The matrix from linear RGB to XYZ under D50, and that from the white of the primaries to D50."""
    xyz = [np.array([x / y, 1.0, (1 - x - y) / y]) for x, y in primaries.points()]
    colours, white = np.stack(xyz[:3], axis=1), xyz[3]
    matrix = colours * np.linalg.solve(colours, white)
    scale = (CONES @ np.array(D50)) / (CONES @ white)
    adaptation = np.linalg.solve(CONES, scale[:, None] * CONES)
    return adaptation @ matrix, adaptation


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(float(value) * 65536))


def _xyz(values: "np.ndarray | tuple[float, ...]") -> bytes:
    return b"XYZ " + bytes(4) + b"".join(_fixed(value) for value in values)


def _curve(gamma: float | None) -> bytes:
    kind, values = (3, SRGB_CURVE) if gamma is None else (0, (gamma,))
    return b"para" + bytes(4) + struct.pack(">HH", kind, 0) + b"".join(map(_fixed, values))


def _texts(name: str) -> dict[bytes, bytes]:
    def text(words: str) -> bytes:
        body = words.encode("utf-16-be")
        return b"mluc" + bytes(4) + struct.pack(">II4sII", 1, 12, b"enUS", len(body), 28) + body

    return {b"desc": text(name), b"cprt": text("No copyright, use freely")}


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Header, table of tags and their data, each of them once."""
    place = 128 + 4 + 12 * len(tags)
    places: dict[bytes, int] = {}
    table, body = struct.pack(">I", len(tags)), b""
    for tag, content in tags.items():
        if content not in places:
            places[content] = place + len(body)
            body += content + bytes(-len(content) % 4)
        table += tag + struct.pack(">II", places[content], len(content))
    header = struct.pack(
        ">I4sI4s4s4s12s4s4sI4sIQI3i4s16s28s",
        *(place + len(body), b"", 0x04300000, b"mntr", space, b"XYZ "),
        *(struct.pack(">6H", 2026, 1, 1, 0, 0, 0), b"acsp", b"", 0, b"", 0, 0, 1),
        *(round(value * 65536) for value in D50),
        *(b"", b"", b""),
    )
    return header + table + body
