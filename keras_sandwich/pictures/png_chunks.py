"""Chunks of PNG files that say how their pixels are meant."""

from functools import cached_property

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GRAY, COLOUR, PALETTE, GRAY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6  # colour types, PNG 11.2.1


class PngChunks:
    """The chunks of a PNG file before its pixels, by their names; the first of each.

    Attributes:
        bits: of a sample.
        colour_type: of PNG 11.2.1.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.bits, self.colour_type = data[24], data[25]

    @cached_property
    def _chunks(self) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        place = len(SIGNATURE)
        while place + 8 <= len(self._data):
            size = int.from_bytes(self._data[place : place + 4])
            kind = self._data[place + 4 : place + 8]
            if kind == b"IDAT":
                break
            found.setdefault(kind, self._data[place + 8 : place + 8 + size])
            place += 12 + size
        return found

    def get(self, name: bytes) -> bytes:
        """A chunk's content; no bytes if there is none."""
        return self._chunks.get(name, b"")

    @property
    def narrow_range(self) -> bool:
        """Whether cICP says that black and white are 16 and 235 of 8 bits, as in video: ITU-T H.273, 8.3."""
        coding = self.get(b"cICP")
        return len(coding) == 4 and coding[3] == 0

    @property
    def transparent_level(self) -> tuple[int, ...] | None:
        """The gray level, or the colour, that stands for a transparent pixel: tRNS, PNG 11.3.1.1."""
        count = {GRAY: 1, COLOUR: 3}.get(self.colour_type, 0)
        content = self.get(b"tRNS")
        if not count or len(content) < 2 * count:
            return None
        return tuple(int.from_bytes(content[2 * i : 2 * i + 2]) for i in range(count))
