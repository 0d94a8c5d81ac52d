"""The samples of a TIFF page: what Pillow neither scales nor inverts, or takes for what it is not (TIFF 6.0)."""

from typing import Any

import numpy as np

from keras_sandwich.pictures.opening import Opened
from keras_sandwich.pictures.pillow_modes import of_eight_bits
from keras_sandwich.pictures.raster import Raster, without_premultiplication
from keras_sandwich.pictures.two_bytes import decode_two_bytes

BITS_PER_SAMPLE, PHOTOMETRIC, EXTRA_SAMPLES, SAMPLE_FORMAT = 258, 262, 338, 339
WHITE_IS_ZERO, SEPARATED = 0, 5
UNSPECIFIED, ASSOCIATED_ALPHA, UNASSOCIATED_ALPHA = 0, 1, 2
UNSIGNED, FLOATING = 1, 3


def decode_tiff(opened: Opened) -> Raster:
    """The samples of the page that Pillow has opened."""
    picture = opened.picture
    tags = picture.tag_v2
    bits = set(tags.get(BITS_PER_SAMPLE, (1,)))
    formats = set(tags.get(SAMPLE_FORMAT, (UNSIGNED,)))
    if formats == {FLOATING}:
        raise ValueError("floating-point pixels have no known range; pass the array instead")
    if formats != {UNSIGNED}:
        raise ValueError("its levels are signed, or of no known kind; save it with unsigned ones")
    if picture.mode.startswith("I"):
        return _decode_gray(picture, max(bits), tags.get(PHOTOMETRIC) == WHITE_IS_ZERO)
    if max(bits) <= 8:
        return of_eight_bits(picture)
    if "16" not in opened.raw_mode:
        raise ValueError(
            "its colours of 16 bits stand in uncompressed planes; save it with pixels together"
        )
    levels = decode_two_bytes(opened, opened.raw_mode)
    if levels.shape[-1] != 4:
        return Raster(levels, 65535)
    if tags.get(PHOTOMETRIC) == SEPARATED:
        return Raster(levels, 65535)
    colours, alpha = levels[..., :3], levels[..., 3]
    extra = tags.get(EXTRA_SAMPLES, (UNASSOCIATED_ALPHA,))[0]
    if extra == UNSPECIFIED:
        return Raster(colours, 65535)
    if extra == ASSOCIATED_ALPHA:
        colours = without_premultiplication(colours, alpha, 65535)
    return Raster(colours, 65535, alpha)


def _decode_gray(picture: Any, bits: int, white_is_zero: bool) -> Raster:
    if bits not in (12, 16):
        raise ValueError(
            f"it has {bits} bits of gray, of which 8, 12 and 16 are read; save it as one of these"
        )
    peak = 2**bits - 1
    levels = np.asarray(picture).astype("uint16")[..., None]
    return Raster(peak - levels if white_is_zero else levels, peak)
