"""Radiance pictures, `.hdr`: RGBE, three mantissas of 8 bits and one exponent a pixel (Ward, "Real Pixels", 1991)."""

import re

import numpy as np

from keras_sandwich.codecs.checks import check_size

SIGNATURE = re.compile(rb"#\?[A-Za-z0-9_]+\r?\n")
SIZE = re.compile(rb"-Y (\d{1,8}) \+X (\d{1,8})\r?\n")
OFFSET = 128 + 8  # of the exponent, and of mantissas that count from 0 to 255
LEAST_RUN_WIDTH, MOST_RUN_WIDTH = 8, 32767  # of lines that are coded in runs
RUN = 128  # lengths above it are runs of one value


def decode_rgbe(data: bytes) -> np.ndarray:
    """The radiance of a `.hdr` file, float32 [height, width, 3]; ValueError for what is none, or damaged."""
    signature = SIGNATURE.match(data)
    size = SIZE.search(data)
    header_end = -1 if size is None else size.start()
    if signature is None or size is None:
        raise ValueError("it is no Radiance picture with lines from top to bottom")
    header = data[:header_end]
    if b"FORMAT=32-bit_rle_xyze" in header:
        raise ValueError("its colours are XYZ; save it as RGB, FORMAT=32-bit_rle_rgbe")
    height, width = int(size[1]), int(size[2])
    check_size(width, height)
    pixels = _lines(data[size.end() :], height, width)
    exponent = pixels[..., 3:].astype("int32")
    scale = np.where(exponent > 0, np.ldexp(np.float32(1.0), exponent - OFFSET), 0.0)
    radiance = pixels[..., :3].astype("float32") * scale.astype("float32")
    return radiance / np.float32(_exposure(header))


def encode_rgbe(radiance: np.ndarray) -> bytes:
    """A `.hdr` file, without runs, of radiance [height, width, 3] ≥ 0: to 1/256 of each pixel's largest channel."""
    height, width, _ = radiance.shape
    largest = radiance.max(axis=-1).astype("float64")
    _, exponent = np.frexp(largest)
    scale = np.where(largest > 1e-32, np.ldexp(256.0, -exponent), 0.0)
    pixels = np.zeros((height, width, 4), "uint8")
    pixels[..., :3] = np.minimum(radiance * scale[..., None], 255.0)
    pixels[..., 3] = np.where(largest > 1e-32, np.clip(exponent + 128, 0, 255), 0)
    header = f"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {height} +X {width}\n"
    return header.encode() + pixels.tobytes()


def _exposure(header: bytes) -> float:
    """What the pixels were multiplied by: the product of all EXPOSURE lines."""
    product = 1.0
    for found in re.findall(rb"^EXPOSURE=\s*([0-9.eE+-]+)", header, re.MULTILINE):
        product *= float(found)
    if not 0 < product < np.inf:
        raise ValueError("its EXPOSURE is no positive number")
    return product


def _lines(data: bytes, height: int, width: int) -> np.ndarray:
    """The bytes of the pixels, [height, width, 4], of lines coded in runs or not."""
    flat = 4 * height * width
    coded = LEAST_RUN_WIDTH <= width <= MOST_RUN_WIDTH and data[:2] == b"\2\2"
    if not coded:
        if len(data) < flat:
            raise ValueError("it is cut short, or coded in the runs of old files; save it anew")
        return np.frombuffer(data, "uint8", flat).reshape(height, width, 4)
    pixels = np.empty((height, 4, width), "uint8")
    place = 0
    for line in pixels:
        if data[place : place + 4] != b"\2\2" + width.to_bytes(2, "big"):
            raise ValueError("it is damaged, or cut short: a line does not begin as one")
        place += 4
        for channel in line:
            place = _runs(data, place, channel)
    return pixels.transpose(0, 2, 1)


def _runs(data: bytes, place: int, channel: np.ndarray) -> int:
    """Fills one channel of one line; returns where the next begins."""
    filled = 0
    while filled < len(channel):
        length = data[place] if place < len(data) else 0
        run = length > RUN
        length -= RUN if run else 0
        values = data[place + 1 : place + 2] if run else data[place + 1 : place + 1 + length]
        if length == 0 or filled + length > len(channel) or len(values) < (1 if run else length):
            raise ValueError("it is damaged, or cut short: a run is longer than its line")
        channel[filled : filled + length] = np.frombuffer(values, "uint8")
        filled += length
        place += 1 + len(values)
    return place
