"""Pictures as data URIs within a page."""

import base64
import io
from typing import Any

import numpy as np

from keras_sandwich._optional import import_library


def data_uri(picture: Any, peak: float = 255.0) -> str:
    """A picture [height, width, channels] without loss, as WebP, or as PNG where Pillow has no WebP."""
    image, features = (
        import_library(f"PIL.{name}", "A report with pictures") for name in ("Image", "features")
    )
    picture = np.asarray(picture, "float32")
    channels = picture.shape[-1]
    picture = picture[..., :3] if channels >= 3 else picture[..., 0]
    pixels = np.clip(np.round(picture * (255.0 / peak)), 0, 255).astype("uint8")
    buffer = io.BytesIO()
    if features.check("webp"):
        image.fromarray(pixels).save(buffer, "WEBP", lossless=True, method=4)
        kind = "webp"
    else:
        image.fromarray(pixels).save(buffer, "PNG", optimize=True)
        kind = "png"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def planes(bottleneck: np.ndarray) -> np.ndarray:
    """A bottleneck to look at: of 1 or 3 channels as it is, else its channels as gray planes side by side."""
    channels = bottleneck.shape[-1]
    if channels in (1, 3):
        return bottleneck
    columns = int(np.ceil(np.sqrt(channels)))
    rows = -(-channels // columns)
    empty = np.full((*bottleneck.shape[:2], rows * columns - channels), 255.0, "float32")
    tiles = np.concatenate([np.asarray(bottleneck, "float32"), empty], axis=-1)
    height, width, _ = tiles.shape
    tiles = tiles.reshape(height, width, rows, columns).transpose(2, 0, 3, 1)
    return tiles.reshape(rows * height, columns * width, 1)
