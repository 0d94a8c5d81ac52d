"""Pictures to be coded, as a viewer would show them, with the meaning of their colours."""

import contextlib
import io
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_sandwich._optional import import_library
from keras_sandwich.codecs.libraries import imagecodecs
from keras_sandwich.datasets.pictures import SUFFIXES, three_colours

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG2000_SIZE = b"\xff\x4f\xff\x51"  # the markers SOC and SIZ, with which a codestream begins
HEIC_SUFFIXES = (".heic", ".heif")
SOURCE_SUFFIXES = (*SUFFIXES, *HEIC_SUFFIXES)
ALPHA_MODES = ("RGBA", "RGBa", "LA", "La", "PA")
MAX_TRUNCATE_BITS = 8


@dataclass(frozen=True)
class Source:
    """A picture as the networks are given it.

    Attributes:
        pixels: [height, width, channels] in [0, 255·2^k]: uint8, or uint16 where k > 0.
        profile: the ICC profile that says what these pixels mean, or None: sRGB.
    """

    pixels: np.ndarray
    profile: bytes | None


def read_source(
    path: str | os.PathLike[str],
    channels: int = 3,
    num_truncate_bits: int = 0,
    background: Any = None,
) -> Source:
    """Reads a picture upright, brought to the channels and the depth of a network.

    Args:
        path: a picture file.
        channels: 3, or 1: then the picture must be gray.
        num_truncate_bits: k: the pixels are brought to 8 + k bits.
        background: a colour, as Pillow names or counts it, on which transparent pixels are laid.

    Raises:
        OSError: there is no such file, or it may not be read.
        ValueError: it cannot be read as a picture, has colours of more than 8 bits in another file than PNG where
            k > 0, is animated, has transparent pixels and no background is given, or has colours that a network of one
            channel would lose; the background is no colour.
    """
    file = Path(path)
    data = file.read_bytes()
    try:
        with bombs_allowed():
            picture = _opened(data)
            if getattr(picture, "is_animated", False) and picture.format != "MPO":
                raise ValueError(f"it holds {picture.n_frames} frames, a coded file only one")
            return _source(picture, data, channels, num_truncate_bits, background)
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # decoders raise whatever they stumble over
        raise ValueError(
            f"The picture {str(file)!r} cannot be coded: {error or type(error).__name__}."
        ) from error


@contextlib.contextmanager
def bombs_allowed(user: str = "encode_file") -> Iterator[None]:
    """No warning about pictures of many pixels: Pillow's limit for an error, twice as many, holds."""
    pillow = import_library("PIL.Image", f"`{user}`")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pillow.DecompressionBombWarning)
        yield


def _opened(data: bytes) -> Any:
    pillow = import_library("PIL.Image", "`encode_file`")
    # Others run programs, as EPS does, or are no pictures of pixels.
    known = pillow.registered_extensions()
    named = {known[suffix] for suffix in (*SUFFIXES, *HEIC_SUFFIXES) if suffix in known}
    formats = sorted(named & set(pillow.OPEN))
    try:
        return pillow.open(io.BytesIO(data), formats=formats)
    except pillow.UnidentifiedImageError as error:
        if data[4:8] == b"ftyp":
            return _opened_heic(data)
        raise ValueError(
            f"it is not of a format that is read: {', '.join(formats)}, HEIC"
        ) from error


def _opened_heic(data: bytes) -> Any:
    return (
        import_library("pillow_heif", "HEIC pictures", "heic")
        .open_heif(io.BytesIO(data))
        .to_pillow()
    )


def _source(
    picture: Any, data: bytes, channels: int, num_truncate_bits: int, background: Any
) -> Source:
    profile = picture.info.get("icc_profile") or None
    picture.load()
    deep = num_truncate_bits > 0
    gray = _is_gray(picture, data)
    if deep and gray and (_is_deep_png(data) or picture.mode.startswith("I")):
        if _fitting(profile, "GRAY") is not None:
            warnings.warn(
                "The picture's ICC profile of gray is not applied at 16 bits: its tones are taken as sRGB's.",
                stacklevel=4,
            )
        profile = None
    if deep and _is_deep_png(data):
        pixels, profile = _deep_pixels(picture, data), _fitting(profile, "RGB ")
    else:
        if deep and _is_deep_colour(picture, data):
            raise ValueError(
                "it has more than 8 bits, which are read from PNG files of 16 alone; save it as one"
            )
        _require_gray_depth(picture)
        _refuse_transparent_levels(picture)
        managed, profile = _managed(_upright(picture), profile, gray)
        pixels = three_colours(_opaque(managed, background), deep)
    if channels == 1:
        if (pixels != pixels[..., :1]).any():
            raise ValueError("it has colours, and the network restores gray pictures alone")
        pixels, profile = pixels[..., :1], None
    if not num_truncate_bits:
        return Source(np.ascontiguousarray(pixels), profile)
    scale = 2.0**num_truncate_bits * (255.0 / 65535.0 if pixels.dtype == np.uint16 else 1.0)
    return Source(np.round(pixels * np.float64(scale)).astype("uint16"), profile)


def _upright(picture: Any) -> Any:
    """The picture as its EXIF orientation says; as it lies where the EXIF data are damaged."""
    try:
        return import_library("PIL.ImageOps", "`encode_file`").exif_transpose(picture)
    except Exception:  # Pillow raises whatever it stumbles over in them
        return picture


def _opaque(picture: Any, background: Any) -> Any:
    """A picture without an alpha channel, which no coded file has."""
    pillow = import_library("PIL.Image", "`encode_file`")
    colour = None
    if background is not None:  # its alpha, if it has one, is of no use: nothing lies behind it
        colour = pillow.new("RGB", (1, 1), background).getpixel((0, 0))
    if picture.mode.startswith("I") or not _may_be_transparent(picture):
        return picture
    full = picture.convert("RGBA")
    if full.getchannel("A").getextrema()[0] < 255:
        if colour is None:
            raise ValueError(
                "it has transparent pixels, which a coded file cannot hold; give a background "
                "colour to lay it on"
            )
        canvas = pillow.new("RGBA", full.size, (*colour, 255))
        full = pillow.alpha_composite(canvas, full)
    return full.convert("RGB")


def _may_be_transparent(picture: Any) -> bool:
    return picture.mode in ALPHA_MODES or "transparency" in picture.info


def _refuse_transparent_levels(picture: Any) -> None:
    """ValueError for gray of 16 bits with pixels of the level that stands for nothing."""
    if not picture.mode.startswith("I") or "transparency" not in picture.info:
        return
    if (np.asarray(picture) == picture.info["transparency"]).any():
        raise ValueError("it has transparent pixels at 16 bits; save it without them")


def _fitting(profile: bytes | None, space: str) -> bytes | None:
    """The profile, if it is one for pixels of this colour space."""
    fits = profile is not None and profile[16:20] == space.encode()
    return profile if fits else None


def _is_gray(picture: Any, data: bytes) -> bool:
    """Whether the file holds gray; Pillow makes RGBA of PNG's gray and alpha at 16 bits."""
    if data.startswith(PNG_SIGNATURE):
        return data[25:26] in (b"\0", b"\4")  # the colour type, PNG 11.2.1
    return picture.mode in ("1", "L", "LA", "La") or picture.mode.startswith("I")


def _managed(picture: Any, profile: bytes | None, gray: bool) -> tuple[Any, bytes | None]:
    """The pixels and their profile: other colour spaces than RGB are brought to sRGB by the profile that they have."""
    space = "GRAY" if gray else "CMYK" if picture.mode == "CMYK" else "RGB "
    profile = _fitting(profile, space)
    if profile is None or space == "RGB ":
        return picture, profile
    if not gray:
        return _in_srgb(picture, profile), None
    pillow = import_library("PIL.Image", "`encode_file`")
    if picture.mode.startswith("I"):
        return _in_srgb(pillow.fromarray(three_colours(picture)[..., 0]), profile), None
    if not _may_be_transparent(picture):
        return _in_srgb(picture.convert("L"), profile), None
    picture = picture.convert("LA")
    shown = _in_srgb(picture.getchannel("L"), profile).convert("RGB")
    shown.putalpha(picture.getchannel("A"))
    return shown, None


def _in_srgb(picture: Any, profile: bytes) -> Any:
    """A picture of mode L or CMYK as RGB by its profile; as it is, with a warning, where the profile is of no use."""
    management = import_library("PIL.ImageCms", "`encode_file`")
    try:
        return management.profileToProfile(
            picture,
            management.ImageCmsProfile(io.BytesIO(profile)),
            management.createProfile("sRGB"),
            renderingIntent=management.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=management.Flags.BLACKPOINTCOMPENSATION,
        )
    except (management.PyCMSError, OSError) as error:
        warnings.warn(
            f"The picture's ICC profile cannot be used ({error}); its colours are converted "
            "without it.",
            stacklevel=6,
        )
        return picture


def _is_deep_png(data: bytes) -> bool:
    return data.startswith(PNG_SIGNATURE) and data[24:25] == b"\x10"


def _require_gray_depth(picture: Any) -> None:
    """ValueError for gray of a depth that Pillow hands on as if it were 16 bits."""
    if picture.format != "TIFF" or not picture.mode.startswith("I"):
        return
    bits = max(picture.tag_v2.get(258, (1,)))  # BitsPerSample
    if bits != 16:
        raise ValueError(
            f"it has {bits} bits of gray, of which 8 and 16 are read; save it as one of these"
        )


def _is_deep_colour(picture: Any, data: bytes) -> bool:
    """Whether Pillow has cut a picture's colours to 8 bits; of gray ones it keeps 16."""
    if picture.mode.startswith("I"):
        return False
    if picture.format == "TIFF":
        return max(picture.tag_v2.get(258, (8,))) > 8  # BitsPerSample
    if picture.format == "PPM":
        header = re.match(
            rb"P[36](?:\s|#[^\n]*\n)+\d+(?:\s|#[^\n]*\n)+\d+(?:\s|#[^\n]*\n)+(\d+)", data
        )
        return header is not None and int(header[1]) > 255
    if picture.format == "JPEG2000":
        size = data.find(JPEG2000_SIZE)
        return size >= 0 and (data[size + 42] & 0x7F) >= 8  # ISO 15444-1, A.5.1: bits less one
    return _is_deep_heif(data)


def _is_deep_heif(data: bytes) -> bool:
    """Whether an AVIF or HEIC file's decoder configuration, near its start, says more than 8 bits."""
    start = data[: 1 << 16] if data[4:8] == b"ftyp" else b""
    av1, hevc = (start.find(box) + 4 for box in (b"av1C", b"hvcC"))
    deep_av1 = av1 > 3 and start[av1 + 2] & 0x40  # high_bitdepth
    deep_hevc = hevc > 3 and start[hevc + 17] & 0x07  # bit_depth_luma_minus8
    return bool(deep_av1 or deep_hevc)


def _deep_pixels(picture: Any, data: bytes) -> np.ndarray:
    """uint16 [height, width, 3] of a PNG file of 16 bits, upright."""
    pixels = np.asarray(imagecodecs("PNG files of 16 bits").png_decode(data))
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.shape[-1] in (2, 4):
        if pixels[..., -1].min() < 65535:
            raise ValueError("it has transparent pixels at 16 bits; save it without them")
        pixels = pixels[..., :-1]
    turned = _TURNS.get(picture.getexif().get(0x0112, 1), _TURNS[1])(pixels)
    return turned if turned.shape[-1] == 3 else np.repeat(turned, 3, axis=-1)


# By the number of the EXIF orientation.
_TURNS: dict[int, Any] = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: p[::-1].swapaxes(0, 1),
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: lambda p: p[:, ::-1].swapaxes(0, 1),
}
