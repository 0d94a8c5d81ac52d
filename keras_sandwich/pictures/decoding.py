"""The samples of an opened picture, at the depth of its file.

Pillow hands on samples of more than 8 bits in ways of its own: colours cut to their high bytes, levels of 12 bits or of
a file where 0 is white as they are stored. So what is deep, and what Pillow does not scale, is read here.
"""

import re
from collections.abc import Callable

import numpy as np

from keras_sandwich.codecs.checks import with_channels
from keras_sandwich.codecs.jpegxl import from_linear
from keras_sandwich.codecs.jpegxl_header import LINEAR, read_coding, read_header
from keras_sandwich.codecs.libraries import imagecodecs
from keras_sandwich.pictures.opening import Opened
from keras_sandwich.pictures.pillow_modes import keyed, of_eight_bits
from keras_sandwich.pictures.png_chunks import COLOUR, GRAY, GRAY_ALPHA, PngChunks
from keras_sandwich.pictures.raster import Raster, rescale, without_premultiplication
from keras_sandwich.pictures.tiff_decoding import decode_tiff
from keras_sandwich.pictures.two_bytes import decode_two_bytes

# A header of P2, P3, P5 or P6, up to the largest level and the one white space behind it; comments may stand in it.
PPM_HEADER = re.compile(rb"P([2356])" + rb"(?:\s|#[^\n]*\n)+(\d+)" * 3 + rb"\s")
JPEG2000_SIZE = b"\xff\x4f\xff\x51"  # the markers SOC and SIZ, with which a codestream begins


def decode(opened: Opened, deep: bool) -> Raster:
    """The samples of a picture, gray as one channel.

    Args:
        opened: the picture.
        deep: whether more than 8 bits are wanted: of AVIF pictures they are read by another library.
    """
    read: Callable[[Opened], Raster] = {
        "PNG": _decode_png,
        "HEIC": _decode_heic,
        "JPEGXL": _decode_jpegxl,
        "JPEG2000": _decode_jpeg2000,
        "TIFF": decode_tiff,
        "PPM": _decode_ppm,
        "AVIF": _decode_deep_avif if deep else _decode_plain,
    }.get(opened.format, _decode_plain)
    return read(opened)


def _decode_plain(opened: Opened) -> Raster:
    return of_eight_bits(opened.picture)


def _decode_png(opened: Opened) -> Raster:
    chunks = PngChunks(opened.data)
    raster = _levels_of_png(opened, chunks)
    return raster.of_full_range() if chunks.narrow_range else raster


def _levels_of_png(opened: Opened, chunks: PngChunks) -> Raster:
    picture = opened.picture
    if chunks.bits == 16:
        levels = _sixteen_bits_of_png(opened, chunks)
    else:
        # Pillow scales fewer bits of gray, and leaves the level that is transparent as it stands in the file.
        transparent = chunks.transparent_level
        if transparent is None:
            return of_eight_bits(picture)
        levels = np.asarray(picture.convert("L" if chunks.colour_type == GRAY else "RGB"))
        levels = levels[..., None] if levels.ndim == 2 else levels
        most = 2**chunks.bits - 1
        key = tuple(255 * min(level, most) // most for level in transparent)
        return Raster(levels, alpha=keyed(levels, key))
    if levels.shape[-1] in (2, 4):
        return Raster(levels[..., :-1], 65535, levels[..., -1])
    transparent = chunks.transparent_level
    return Raster(levels, 65535, None if transparent is None else keyed(levels, transparent, 65535))


def _sixteen_bits_of_png(opened: Opened, chunks: PngChunks) -> np.ndarray:
    if chunks.colour_type == GRAY:
        return np.asarray(opened.picture).astype("uint16")[..., None]
    if chunks.colour_type == GRAY_ALPHA:
        # As RGBA of 8 bits, whose four bytes a pixel are filtered alike: high and low bytes of gray and alpha.
        return opened.unpacked("RGBA").view(">u2").astype("uint16")
    return decode_two_bytes(opened, "RGB;16B" if chunks.colour_type == COLOUR else "RGBA;16B")


def _decode_heic(opened: Opened) -> Raster:
    picture = opened.picture
    peak = 2 ** picture.info["bit_depth"] - 1
    levels = np.array(picture)
    levels = levels[..., None] if levels.ndim == 2 else levels
    if levels.shape[-1] not in (2, 4):
        return Raster(levels, peak)
    colours, alpha = levels[..., :-1], levels[..., -1]
    if picture.premultiplied_alpha:
        colours = without_premultiplication(colours, alpha, peak)
    return Raster(colours, peak, alpha)


def _decode_deep_avif(opened: Opened) -> Raster:
    configuration = opened.data.find(
        b"av1C"
    )  # AV1 in ISO media, 2.3.3: high_bitdepth and twelve_bit
    flags = opened.data[configuration + 6] if configuration >= 0 else 0
    if not flags & 0x40:
        return of_eight_bits(opened.picture)
    levels = np.asarray(
        imagecodecs("AVIF pictures of more than 8 bits").avif_decode(opened.data, 0)
    )
    levels = levels[..., None] if levels.ndim == 2 else levels
    if opened.picture.mode in ("L", "LA") and levels.shape[-1] > 2:
        raise ValueError("it is AVIF gray of more than 8 bits; save it as PNG")
    peak = (2**12 if flags & 0x20 else 2**10) - 1
    if levels.shape[-1] in (2, 4):
        return Raster(levels[..., :-1], peak, levels[..., -1])
    return Raster(levels, peak)


def _decode_jpeg2000(opened: Opened) -> Raster:
    size = opened.data.find(JPEG2000_SIZE)  # ISO 15444-1, A.5.1
    count = int.from_bytes(opened.data[size + 40 : size + 42])
    depths = set(opened.data[size + 42 : size + 42 + 3 * count : 3])
    if size < 0 or depths == {7}:
        return of_eight_bits(opened.picture)
    # Pillow shifts other depths to 8 or 16 bits, after which white is not white.
    bits = max(depths) + 1
    if len(depths) != 1 or not 1 <= bits <= 16 or count not in (1, 2, 3, 4):
        raise ValueError("its components are signed, or of several depths; save it as PNG")
    if opened.picture.mode == "CMYK" or b"colr\1\0\0\0\0\0\x12" in opened.data[:size]:
        raise ValueError(f"its colours of {bits} bits are CMYK or YCbCr; save it as RGB")
    levels = np.asarray(
        imagecodecs(f"JPEG 2000 pictures of {bits} bits").jpeg2k_decode(opened.data)
    )
    levels = levels[..., None] if levels.ndim == 2 else levels
    peak = 2**bits - 1
    if bits < 8:
        levels, peak = rescale(levels, peak, 255), 255
    if count in (2, 4):
        return Raster(levels[..., :-1], peak, levels[..., -1])
    return Raster(levels, peak)


def _decode_jpegxl(opened: Opened) -> Raster:
    header, coding = read_header(opened.data), read_coding(opened.data)
    library = imagecodecs("JPEG XL pictures")
    levels = with_channels(np.asarray(library.jpegxl_decode(opened.data, numthreads=1)))
    if levels.shape[-1] > 4:
        raise ValueError("it holds several frames, a picture only one")
    alpha = None
    if levels.shape[-1] in (2, 4):
        levels, alpha = levels[..., :-1], levels[..., -1]
    if not header.floating:
        return Raster(levels, 2**header.bits - 1, alpha)
    if coding.transfer != LINEAR:
        raise ValueError("floating-point pixels that are not linear light have no known range")
    # Linear light, of which 1 is white, as the curve of sRGB has it.
    alpha = None if alpha is None else np.rint(np.clip(alpha, 0, 1) * 65535).astype("uint16")
    return Raster(from_linear(levels, 16), 65535, alpha)


def _decode_ppm(opened: Opened) -> Raster:
    header = PPM_HEADER.match(opened.data)
    if header is None or int(header[4]) <= 255:
        return of_eight_bits(opened.picture)
    width, height, peak = (int(header[place]) for place in (2, 3, 4))
    channels = 3 if header[1] in b"36" else 1
    count = height * width * channels
    if header[1] in b"56":
        body = opened.data[header.end() : header.end() + 2 * count]
        levels = np.frombuffer(body, ">u2").astype("uint16")
    else:
        words = re.sub(rb"#[^\n]*", b"", opened.data[header.end() :]).split()
        levels = np.array([int(word) for word in words[:count]], "int64")
    if levels.size < count or peak > 65535 or levels.min() < 0 or levels.max() > peak:
        raise ValueError("it is cut short, or has levels above the largest that it names")
    return Raster(levels.astype("uint16").reshape(height, width, channels), peak)
