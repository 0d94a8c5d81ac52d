"""What stands at the beginning of a JPEG XL file (ISO/IEC 18181-1, Annexes A, D and E): size, bits and colours.

libjxl tells neither through imagecodecs before it has made room for all pixels.
"""

from dataclasses import dataclass

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\x00\x00\x00\x0cJXL \r\n\x87\n"

RGB, GRAY = 0, 1  # ColourSpace
D65 = 1  # WhitePoint
LINEAR = 8  # TransferFunction
# Under D65, to those of ITU-T H.273, where 11 is P3 under another white.
PRIMARIES = {1: 1, 9: 9, 11: 12}
# Width over height, by the number that stands in the header.
RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


@dataclass(frozen=True)
class Header:
    """The size of a picture, the bits of its samples, and whether they are floating-point numbers."""

    width: int
    height: int
    bits: int
    floating: bool


@dataclass(frozen=True)
class Coding:
    """How the samples of a picture are meant, by the numbers of ITU-T H.273; the default is sRGB."""

    primaries: int = 1
    transfer: int = 13


def read_header(data: bytes) -> Header:
    """The header of a bare codestream or of one in a container. ValueError if there is none."""
    return _read_start(data)[0]


def read_coding(data: bytes) -> Coding:
    """What stands behind that. ValueError for what is not stated by numbers, and for channels but colours and alpha."""
    _, all_default, bits = _read_start(data)
    if all_default:
        return Coding()
    bits.read(1)  # modular_16bit_buffers
    channels = _number(bits, (0, 0), (1, 0), (2, 4), (1, 12))
    if channels > 1:
        raise ValueError("it has channels beside its colours and one of alpha; save it as PNG")
    if channels:
        _require_plain_alpha(bits)
    bits.read(1)  # xyb_encoded
    return _colour_encoding(bits)


def _require_plain_alpha(bits: "_Bits") -> None:
    if bits.read(1):  # d_alpha
        return
    kind = _enumerated(bits)
    _depth(bits)
    _number(bits, (0, 0), (3, 0), (4, 0), (1, 3))  # dim_shift
    for _ in range(_number(bits, (0, 0), (0, 4), (16, 5), (48, 10))):  # name
        bits.read(8)
    if kind or bits.read(1):  # alpha_associated
        raise ValueError("its alpha is multiplied in, or it has another channel; save it as PNG")


def _colour_encoding(bits: "_Bits") -> Coding:
    if bits.read(1):  # all_default
        return Coding()
    if bits.read(1):  # want_icc
        raise ValueError("its colours are stated by a compressed ICC profile; convert it to sRGB")
    space = _enumerated(bits)
    white = _enumerated(bits)
    primaries = _enumerated(bits) if space == RGB else 1
    if space > GRAY or white != D65 or primaries not in PRIMARIES or bits.read(1):  # have_gamma
        raise ValueError("its colours are stated by values of its own; convert it to sRGB")
    return Coding(PRIMARIES[primaries], _enumerated(bits))


def _read_start(data: bytes) -> "tuple[Header, bool, _Bits]":
    """The header, whether all that may follow is left out, and the bits behind it."""
    start = _codestream(data)
    # Lengths are far below this many bytes: a longer header is none.
    bits = _Bits(data[start + 2 : start + 66])
    height, width = _size(bits)
    if bits.read(1):  # all_default
        return Header(width, height, 8, False), True, bits
    if bits.read(1):  # extra_fields
        bits.read(3)  # orientation
        if bits.read(1):
            _size(bits)  # intrinsic size
        if bits.read(2):
            raise ValueError("Expected a single JPEG XL picture. Received a preview or animation.")
    return Header(width, height, *_depth(bits)), False, bits


def _depth(bits: "_Bits") -> tuple[int, bool]:
    floating = bool(bits.read(1))
    known = (32, 16, 24) if floating else (8, 10, 12)
    depth = _number(bits, *((value, 0) for value in known), (1, 6))
    if floating:
        bits.read(4)  # exponent
    return depth, floating


def _number(bits: "_Bits", *choices: tuple[int, int]) -> int:
    """U32: one of four bases, and what so many bits add to it."""
    base, count = choices[bits.read(2)]
    return base + bits.read(count)


def _enumerated(bits: "_Bits") -> int:
    return _number(bits, (0, 0), (1, 0), (2, 4), (18, 6))


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
