"""Colours of 16 bits, of which Pillow keeps the high bytes alone: read twice, for the high bytes and for the low."""

import re
import sys

import numpy as np

from keras_sandwich.pictures.opening import Opened

RAW_MODE = re.compile(r"(RGB|RGBA|RGBa|RGBX|CMYK);16([LBN])")
NATIVE = "L" if sys.byteorder == "little" else "B"
OTHER = {"L": "B", "B": "L"}


def decode_two_bytes(opened: Opened, raw_mode: str) -> np.ndarray:
    """uint16 [height, width, channels] of a picture that Pillow unpacks by a raw mode such as "RGB;16B".

    What are the high bytes in one order are the low ones in the other. Associated alpha stays multiplied in.
    """
    match = RAW_MODE.fullmatch(raw_mode)
    if match is None:
        raise ValueError(f"its 16 bits are stored as {raw_mode!r}; save it as PNG")
    kind, order = match[1].replace("RGBa", "RGBA"), match[2].replace("N", NATIVE)
    high = opened.unpacked(f"{kind};16{order}")
    low = opened.unpacked(f"{kind};16{OTHER[order]}")
    return (high.astype("uint16") << 8) | low
