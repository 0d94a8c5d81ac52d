"""What a picture file says of its colours, in whichever of the ways that there are, as an ICC profile or none: sRGB."""

import struct
import warnings
from dataclasses import dataclass
from typing import Any

from keras_sandwich._optional import import_library
from keras_sandwich.codecs.jpegxl_header import read_coding, read_header
from keras_sandwich.pictures import icc_profiles
from keras_sandwich.pictures.boxes import boxes, find_box, primary_properties
from keras_sandwich.pictures.formats import USER
from keras_sandwich.pictures.icc_profiles import Primaries
from keras_sandwich.pictures.opening import Opened
from keras_sandwich.pictures.png_chunks import PngChunks

D65, C, DCI = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351)
# ColourPrimaries of ITU-T H.273, Table 2; 2 is "unspecified".
PRIMARIES = {
    1: icc_profiles.SRGB,
    2: icc_profiles.SRGB,
    4: Primaries((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), C),
    5: Primaries((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), D65),
    6: Primaries((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65),
    7: Primaries((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65),
    8: Primaries((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), C),
    9: Primaries((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65),
    11: Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), DCI),
    12: Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65),
    22: Primaries((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), D65),
}
PRIMARY_NAMES = {5: "BT.601, 625 lines", 6: "BT.601", 9: "BT.2020", 11: "DCI-P3", 12: "Display P3"}
# TransferCharacteristics of Table 3, as the γ of a curve. Those of television are shown as sRGB's (None) by viewers of
# pictures.
CURVES: dict[int, float | None] = {
    **dict.fromkeys((1, 2, 6, 7, 11, 12, 13, 14, 15)),
    **{4: 2.2, 5: 2.8, 8: 1.0},
}
SRGB_TRANSFER = 13
HDR = {16: "PQ (BT.2100)", 18: "HLG (BT.2100)"}
SRGB_GAMMA = 1 / 0.45455  # gAMA of 45455 beside sRGB's primaries stands for sRGB: PNG 11.3.2.2
EXIF_IFD, INTEROPERABILITY_IFD, COLOUR_SPACE = 0x8769, 0xA005, 0xA001
ADOBE_SPACE, UNCALIBRATED = 2, 0xFFFF
TRANSFER_FUNCTION, WHITE_POINT, PRIMARY_CHROMATICITIES = 301, 318, 319  # TIFF 6.0, section 20
GAIN_MAPS = (b"hdrgm:Version", b"urn:iso:std:iso:ts:21496:-1", b"HDRGainMapVersion")


@dataclass(frozen=True)
class Colours:
    """Colours that a file states by numbers; `gamma` None is sRGB's curve."""

    primaries: Primaries = icc_profiles.SRGB
    gamma: float | None = None
    name: str = "stated by the file"

    def profile(self, gray: bool) -> bytes | None:
        """The ICC profile of such colours, or None where they are sRGB's."""
        if gray:
            usual = self.gamma is None or is_srgb_gamma(self.gamma)
            return None if usual else icc_profiles.gray_profile(self.gamma, self.name)
        if self.gamma is None and self.primaries.close_to(icc_profiles.SRGB):
            return None
        return icc_profiles.rgb_profile(self.primaries, self.gamma, self.name)


def is_srgb_gamma(gamma: float) -> bool:
    """Whether a file means sRGB's curve by this γ, beside sRGB's primaries or none."""
    return abs(gamma / SRGB_GAMMA - 1) < 0.01


def stated_profile(opened: Opened, gray: bool) -> bytes | None:
    """The ICC profile that a file has, or one that says what it states otherwise; None for sRGB.

    Warns of what is left out. ValueError for colours of a high dynamic range, and of unknown codes.
    """
    if _has_gain_map(opened):
        warnings.warn(
            "The picture's HDR gain map is left out: what is read is the picture for ordinary displays.",
            stacklevel=2,
        )
    stated = {
        "PNG": _of_png,
        "HEIC": _of_heic,
        "AVIF": _of_avif,
        "JPEGXL": _of_jpegxl,
        "JPEG2000": _of_jpeg2000,
        "BMP": _of_bmp,
    }.get(opened.format, _of_nothing)(opened)
    if stated is None:
        stated = _icc(opened) or _of_exif(opened)
    return stated.profile(gray) if isinstance(stated, Colours) else stated


def _icc(opened: Opened) -> bytes | None:
    return opened.picture.info.get("icc_profile") or None


def _of_nothing(opened: Opened) -> None:
    if opened.format != "TIFF" or _icc(opened):
        return
    tags = opened.picture.tag_v2
    named = {number for number in (TRANSFER_FUNCTION, PRIMARY_CHROMATICITIES) if number in tags}
    points = [float(value) for value in tags.get(PRIMARY_CHROMATICITIES, ())]
    white = [float(value) for value in tags.get(WHITE_POINT, D65)]
    if len(points) == 6 and len(white) == 2 and named == {PRIMARY_CHROMATICITIES}:
        primaries = _primaries([*white, *points])
        if primaries is not None and primaries.close_to(icc_profiles.SRGB):
            return
    if named:
        warnings.warn(
            "The picture's TIFF tags of primaries and transfer function are not applied: its colours are taken as "
            "sRGB's. Convert it to sRGB, or give it an ICC profile.",
            stacklevel=4,
        )


def _coded(primaries: int, transfer: int) -> Colours:
    """Colours by code points of ITU-T H.273."""
    if transfer in HDR:
        raise ValueError(
            f"its colours are of a high dynamic range, {HDR[transfer]}, which cannot be coded as they are; map them to "
            "sRGB or Display P3 and save it anew"
        )
    if primaries not in PRIMARIES or transfer not in CURVES:
        raise ValueError(
            f"its colours are stated by codes that are not known, primaries {primaries} and transfer {transfer} of "
            "ITU-T H.273; convert it to sRGB"
        )
    name = PRIMARY_NAMES.get(primaries, f"H.273 primaries {primaries}")
    gamma = CURVES[transfer]
    return Colours(PRIMARIES[primaries], gamma, name if gamma is None else f"{name}, γ {gamma:g}")


def _of_png(opened: Opened) -> Colours | bytes | None:
    """By the first of cICP, iCCP, sRGB, and gAMA with cHRM, which is the order of PNG (third edition), 12.1."""
    chunks = PngChunks(opened.data)
    coding = chunks.get(b"cICP")
    if len(coding) == 4:
        return _coded(coding[0], coding[1])
    if _icc(opened):
        return _icc(opened)
    if chunks.get(b"sRGB"):
        return Colours()
    gamma, points = chunks.get(b"gAMA"), chunks.get(b"cHRM")
    power = 1e5 / int.from_bytes(gamma) if len(gamma) == 4 and any(gamma) else SRGB_GAMMA
    values = [value / 1e5 for value in struct.unpack(">8I", points)] if len(points) == 32 else []
    primaries = _primaries(values) or icc_profiles.SRGB
    if is_srgb_gamma(power) and primaries.close_to(icc_profiles.SRGB):
        return None
    # As a curve of its own where the primaries are others: sRGB's is what 45455 stands for beside its own alone.
    return Colours(primaries, round(power, 4), "PNG gAMA and cHRM")


def _primaries(values: list[float]) -> Primaries | None:
    """Of x and y of white, red, green and blue; None where they span no colours."""
    if len(values) != 8 or min(values[1::2]) <= 0:
        return None
    white, red, green, blue = zip(values[::2], values[1::2], strict=True)
    area = (green[0] - red[0]) * (blue[1] - red[1]) - (green[1] - red[1]) * (blue[0] - red[0])
    return Primaries(red, green, blue, white) if abs(area) > 1e-3 else None


def _of_heic(opened: Opened) -> Colours | bytes | None:
    coding = opened.picture.info.get("nclx_profile")
    if _icc(opened) or not coding:
        return _icc(opened)
    return _coded(int(coding["color_primaries"]), int(coding["transfer_characteristics"]))


def _of_avif(opened: Opened) -> Colours | bytes | None:
    if _icc(opened):
        return _icc(opened)
    for kind, content in primary_properties(opened.data):
        if kind == b"colr" and content[:4] == b"nclx" and len(content) >= 8:
            return _coded(int.from_bytes(content[4:6]), int.from_bytes(content[6:8]))
    return None


def _of_jpegxl(opened: Opened) -> Colours:
    coding = read_coding(opened.data)
    # Floating point is linear light, and decoded as the curve of sRGB has it.
    linear = read_header(opened.data).floating
    return _coded(coding.primaries, SRGB_TRANSFER if linear else coding.transfer)


def _of_jpeg2000(opened: Opened) -> bytes | None:
    """The profile of the box `colr`, ISO 15444-1, I.5.3.3; Pillow hands on none."""
    for kind, content in boxes(find_box(opened.data, b"jp2h")):
        if kind == b"colr" and content[:1] in (b"\2", b"\3"):
            return content[3:]
    return None


def _of_bmp(opened: Opened) -> Colours | bytes | None:
    """By the header BITMAPV5HEADER, or BITMAPV4HEADER, which Pillow does not look at."""
    size = int.from_bytes(opened.data[14:18], "little")
    if opened.data[:2] != b"BM" or size < 108:
        return None
    space = opened.data[70:74]
    if space == b"DEBM" and size >= 124:  # PROFILE_EMBEDDED
        start, length = struct.unpack_from("<II", opened.data, 14 + 112)
        return opened.data[14 + start : 14 + start + length] or None
    if space == bytes(
        4
    ):  # LCS_CALIBRATED_RGB: fixed points of 2.30 bits for the primaries, of 16.16 for γ
        xyz = [value / 2**30 for value in struct.unpack_from("<9i", opened.data, 74)]
        gammas = [value / 2**16 for value in struct.unpack_from("<3I", opened.data, 110)]
        own = any(xyz) or any(gammas)
    else:
        own = space == b"KNIL"  # PROFILE_LINKED: in another file
    if own:
        warnings.warn(
            "The picture's BMP header has primaries and γ of its own, or names a profile elsewhere, which are not "
            "applied: its colours are taken as sRGB's.",
            stacklevel=4,
        )
    return None


def _of_exif(opened: Opened) -> Colours | None:
    """By EXIF's ColorSpace, and the interoperability index R03 of DCF for Adobe RGB."""
    space, index = _exif_colour_space(opened)
    if space == ADOBE_SPACE or index == "R03":
        return Colours(icc_profiles.ADOBE_RGB, icc_profiles.ADOBE_GAMMA, "Adobe RGB (1998)")
    if space == UNCALIBRATED:
        warnings.warn(
            "The picture's EXIF data call its colours uncalibrated, and there is no ICC profile: they are taken as "
            "sRGB's.",
            stacklevel=3,
        )
    return None


def _exif_colour_space(opened: Opened) -> tuple[Any, Any]:
    try:
        if opened.format == "HEIC":
            exif = import_library("PIL.Image", USER, "media").Exif()
            exif.load(opened.picture.info.get("exif") or b"")
        else:
            exif = opened.picture.getexif()
        space = exif.get_ifd(EXIF_IFD).get(COLOUR_SPACE)
    except Exception:  # damaged EXIF data must not hide the picture
        return None, None
    try:
        return space, exif.get_ifd(INTEROPERABILITY_IFD).get(1)
    except Exception:  # nor must what they lack, of which older versions of Pillow make an error
        return space, None


def _has_gain_map(opened: Opened) -> bool:
    if opened.format == "JPEG":
        return any(mark in opened.data for mark in GAIN_MAPS)
    if opened.format == "HEIC" and any(
        "gainmap" in kind for kind in opened.picture.info.get("aux", {})
    ):
        return True
    return opened.format in ("HEIC", "AVIF") and b"tmap" in find_box(opened.data, b"ftyp")
