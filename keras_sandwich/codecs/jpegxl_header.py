"""What stands at the beginning of a JPEG XL file (ISO/IEC 18181-1, Annexes A and D): size and bits.

libjxl tells neither through imagecodecs before it has made room for all pixels.
"""

from dataclasses import dataclass

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\x00\x00\x00\x0cJXL \r\n\x87\n"

# Width over height, by the number that stands in the header.
RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


@dataclass(frozen=True)
class Header:
    """The size of a picture, the bits of its samples, and whether they are floating-point numbers."""

    width: int
    height: int
    bits: int
    floating: bool


def read_header(data: bytes) -> Header:
    """The header of a bare codestream or of one in a container. ValueError if there is none."""
    start = _codestream(data)
    # Lengths are far below this many bytes: a longer header is none.
    bits = _Bits(data[start + 2 : start + 66])
    height, width = _size(bits)
    if bits.read(1):  # all_default
        return Header(width, height, 8, False)
    if bits.read(1):  # extra_fields
        bits.read(3)  # orientation
        if bits.read(1):
            _size(bits)  # intrinsic size
        if bits.read(2):
            raise ValueError("Expected a single JPEG XL picture. Received a preview or animation.")
    floating = bool(bits.read(1))
    choice = bits.read(2)
    depth = bits.read(6) + 1 if choice == 3 else ((32, 16, 24) if floating else (8, 10, 12))[choice]
    return Header(width, height, depth, floating)


class _Bits:
    """Bits of bytes, least significant first."""

    def __init__(self, data: bytes) -> None:
        self.value, self.left = int.from_bytes(data, "little"), 8 * len(data)

    def read(self, count: int) -> int:
        if count > self.left:
            raise ValueError("The JPEG XL file ends within its header.")
        taken = self.value & ((1 << count) - 1)
        self.value, self.left = self.value >> count, self.left - count
        return taken


def _size(bits: _Bits) -> tuple[int, int]:
    """Height and width."""
    by_eights = bits.read(1)

    def dimension() -> int:
        if by_eights:
            return 8 * (bits.read(5) + 1)
        return bits.read((9, 13, 18, 30)[bits.read(2)]) + 1

    height = dimension()
    ratio = bits.read(3)
    if not ratio:
        return height, dimension()
    over, under = RATIOS[ratio]
    return height, height * over // under


def _codestream(data: bytes) -> int:
    """Where the codestream begins: at the start, or in the first box of its kind."""
    if data.startswith(CODESTREAM):
        return 0
    if not data.startswith(CONTAINER):
        raise ValueError("Not a JPEG XL file: it does not begin as one.")
    place = len(CONTAINER)
    while place + 8 <= len(data):
        size, kind = int.from_bytes(data[place : place + 4]), data[place + 4 : place + 8]
        content = place + 8
        if size == 1:
            size, content = int.from_bytes(data[content : content + 8]), content + 8
        if kind in (b"jxlc", b"jxlp"):
            content += 4 if kind == b"jxlp" else 0
            if data[content : content + 2] == CODESTREAM:
                return content
            break
        if size < content - place:
            break
        place += size
    raise ValueError("Not a JPEG XL file: no codestream in its boxes.")
