"""Every codec with every kind of setting, and pictures for them."""

import numpy as np
import pytest
from photographs import photographs

from keras_sandwich.codecs import AVIF, HEIC, JPEG, JPEG2000, JPEGXL, PNG, Codec, WebP

LOSSY = [
    JPEG(qstep=8),
    JPEG(quality=60, chroma_subsampling="4:2:0", progressive=True),
    JPEG(quality=60, color_transform=False),
    WebP(quality=70, method=2),
    AVIF(quality=70, chroma_subsampling="4:2:2", speed=8),
    AVIF(quality=70, color_transform=False, speed=9),
    AVIF(quality=70, bits=10, chroma_subsampling="4:2:0", speed=9),
    AVIF(quality=70, bits=12, color_transform=False, speed=9),
    JPEG2000(ratio=8),
    JPEG2000(psnr=38, color_transform=False),
    JPEG2000(psnr=45, bits=10),
    JPEG2000(psnr=50, bits=16, color_transform=False),
    HEIC(quality=60, chroma_subsampling="4:2:2", preset="ultrafast"),
    HEIC(quality=60, color_transform=False, preset="fast", tune="psnr"),
    HEIC(quality=60, bits=10, chroma_subsampling="4:2:0", preset="fast"),
    HEIC(quality=60, bits=12, preset="fast"),
    JPEGXL(distance=0.8, effort=3),
    JPEGXL(distance=0.8, bits=10, effort=4),
    JPEGXL(distance=0.8, bits=16, effort=4),
]
LOSSLESS = [
    PNG(),
    PNG(bits=16),
    JPEG2000(lossless=True),
    JPEG2000(lossless=True, bits=12),
    JPEG2000(lossless=True, bits=16),
    JPEGXL(lossless=True, effort=2),
    JPEGXL(lossless=True, bits=10, effort=2),
    JPEGXL(lossless=True, bits=16, effort=2),
]


def title(codec: Codec) -> str:
    return "-".join(str(value) for value in codec.settings.values() if value is not None)


def parameters(codecs: list) -> list:
    return [pytest.param(codec, id=title(codec)) for codec in codecs]


def require(codec: Codec) -> None:
    """Skips a test of a codec whose library is not installed."""
    try:
        _ = codec.version
        codec.encode(picture(codec, 3, 8, 8))
    except ImportError as error:
        pytest.skip(str(error))


def picture(codec: Codec, channels: int, height: int = 40, width: int = 56) -> np.ndarray:
    """A crop of a photograph, of the codec's bits: the low ones repeat the high ones."""
    crop = photographs(1, height, width)[0][..., :channels]
    if codec.bits == 8:
        return crop
    wide = crop.astype("uint16")
    return wide << (codec.bits - 8) | wide >> (16 - codec.bits)


def ramp(bits: int, channels: int) -> np.ndarray:
    """Smooth, and full of values that eight bits do not have."""
    down, across = np.mgrid[0:96, 0:112]
    waves = [np.sin(across / (40 + 9 * n)) + np.cos(down / (50 - 7 * n)) for n in range(channels)]
    return np.round((np.stack(waves, -1) + 2) / 4 * (2**bits - 1)).astype("uint16")


def psnr(reference: np.ndarray, decoded: np.ndarray, bits: int) -> float:
    """dB of one picture as it stands in memory."""
    error = np.mean((reference.astype("float64") - decoded) ** 2)
    return float(10 * np.log10((2**bits - 1) ** 2 / max(error, 1e-12)))
