"""What a page holds in itself: plots as SVG, pictures as data URIs, and crops of them."""

import base64
import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_sandwich.evaluation.curve import RDCurve
from keras_sandwich.evaluation.plots import COLORS, GRID, plot_rd

LARGEST_SIDE = 1024  # of a picture on the page; of larger ones a part is shown
ZOOM_SIDE = 64
Box = tuple[int, int, int, int]  # top, left, height, width


def plot_svg(curves: Sequence[RDCurve], metric: str, prefix: str) -> str:
    """A plot whose colours are the page's and whose ids begin with the prefix."""
    figure = plot_rd(curves, metric=metric)
    from matplotlib import rc_context

    figure.set_size_inches(5.4, 4.0)
    figure.axes[0].get_legend().remove()  # the page has one for all plots
    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": prefix}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = re.sub(r"<metadata>.*?</metadata>", "", buffer.getvalue(), flags=re.DOTALL)
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'\s(xmlns(:xlink)?|version)="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = svg.replace("url(#", f"url(#{prefix}-").replace('href="#', f'href="#{prefix}-')
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    replacements = {"#000000": "currentColor", GRID: "var(--line)"}
    replacements |= {color: f"var(--curve-{k})" for k, color in enumerate(COLORS)}
    for given, shown in replacements.items():
        svg = svg.replace(given, shown)
    return svg.replace("<svg", '<svg role="img"', 1)


def data_uri(picture: Any, peak: float = 255.0) -> str:
    """A picture [height, width, channels] without loss, as WebP, or as PNG where Pillow has no WebP."""
    try:
        from PIL import Image, features
    except ImportError as error:
        raise ImportError(
            'Pictures in reports need Pillow: pip install "keras-sandwich[codecs]".'
        ) from error
    picture = np.asarray(picture, "float32")
    channels = picture.shape[-1]
    picture = picture[..., :3] if channels >= 3 else picture[..., 0]
    pixels = np.clip(np.round(picture * (255.0 / peak)), 0, 255).astype("uint8")
    buffer = io.BytesIO()
    if features.check("webp"):
        Image.fromarray(pixels).save(buffer, "WEBP", lossless=True, method=4)
        kind = "webp"
    else:
        Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
        kind = "png"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def most_detailed(picture: np.ndarray, side: int = ZOOM_SIDE) -> Box:
    """The square of the picture with the largest squared differences of neighbours: a choice that favours no system."""
    plane = np.asarray(picture, "float64").mean(axis=-1)
    height, width = plane.shape
    detail = np.zeros((height + 1, width + 1))
    detail[1:, 1:-1] += np.diff(plane, axis=1) ** 2
    detail[1:-1, 1:] += np.diff(plane, axis=0) ** 2
    total = detail.cumsum(axis=0).cumsum(axis=1)
    h, w = min(side, height), min(side, width)
    tops, lefts = (np.arange(0, size - part + 1, 4) for size, part in ((height, h), (width, w)))
    sums = (
        total[np.ix_(tops + h, lefts + w)]
        - total[np.ix_(tops, lefts + w)]
        - total[np.ix_(tops + h, lefts)]
        + total[np.ix_(tops, lefts)]
    )
    row, column = np.unravel_index(np.argmax(sums), sums.shape)
    return int(tops[row]), int(lefts[column]), h, w


def around(box: Box, height: int, width: int, side: int = LARGEST_SIDE) -> Box:
    """The part of a picture that is shown: all of it, or as much around the box as the side allows."""
    h, w = min(side, height), min(side, width)
    top = min(max(box[0] + box[2] // 2 - h // 2, 0), height - h)
    left = min(max(box[1] + box[3] // 2 - w // 2, 0), width - w)
    return top, left, h, w


def crop(picture: np.ndarray, box: Box) -> np.ndarray:
    """The pixels of a box."""
    top, left, height, width = box
    return picture[top : top + height, left : left + width]


def scaled(box: Box, size: tuple[int, int], new_size: tuple[int, int]) -> Box:
    """The same box in the picture at another size."""
    (top, height), (left, width) = (
        (round(start * new / old), max(1, round(length * new / old)))
        for start, length, old, new in zip(box[:2], box[2:], size, new_size, strict=True)
    )
    return top, left, height, width


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
