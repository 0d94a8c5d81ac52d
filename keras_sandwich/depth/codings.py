"""The codings of depth as pictures of 8 bits that cameras and data sets use, each with its exact inverse.

All take uint16 maps [height, width] and return uint8 pictures that any codec for 8 bits carries; what the decoders make
of pictures that a codec has changed is the nearest that the coding allows.
"""

import numpy as np

from keras_sandwich._arguments import check_integer

MOST = 65535
LEVEL = 257  # 65535 / 255
# Five of the six sides of the colour circle: red, yellow, green, cyan, blue, magenta. With the sixth both ends of the
# range would be red, and what a codec does to a red pixel would turn the nearest into the farthest.
CORNERS = ((255, 0, 0), (255, 255, 0), (0, 255, 0), (0, 255, 255), (0, 0, 255), (255, 0, 255))
SIDE = 255
HUES = SIDE * (len(CORNERS) - 1)  # the largest


def encode_levels(depth: np.ndarray) -> np.ndarray:
    """The nearest of 256 levels, as a gray picture [height, width, 1]."""
    return np.rint(_checked(depth) / LEVEL).astype("uint8")[..., None]


def decode_levels(picture: np.ndarray) -> np.ndarray:
    """The map of `encode_levels`: `encode_levels(decode_levels(picture))` is the picture."""
    return picture[..., 0].astype("uint16") * LEVEL


def encode_hue(depth: np.ndarray) -> np.ndarray:
    """Colours by depth, 1276 from red for 0 by way of green and blue to magenta for the farthest.

    As the makers of depth cameras publish it (Sonoda and Grunnet-Jepsen, "Depth image compression by colorization for
    Intel RealSense depth cameras"), but with a fifth of the circle left out, so that no colour has two meanings.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    depth = np.arange(0, 65536, 16, dtype="uint16").reshape(64, 64)
    coloured = ks.depth.encode_hue(depth)
    restored = ks.depth.decode_hue(coloured)
    assert np.abs(restored - depth.astype(int)).max() <= 26  # half of 65535/1275
    ```

    Args:
        depth: uint16 [height, width].

    Returns:
        uint8 [height, width, 3].

    Raises:
        ValueError: another dtype or shape.
    """
    hue = np.rint(_checked(depth) * (HUES / MOST)).astype("int64")
    side = np.minimum(hue // SIDE, len(CORNERS) - 2)
    corners = np.array(CORNERS, "int64")
    start, end = corners[side], corners[side + 1]
    along = (hue - side * SIDE)[..., None]
    return (start + (end - start) // SIDE * along).astype("uint8")


def decode_hue(picture: np.ndarray) -> np.ndarray:
    """The map of `encode_hue`; of any colour, that of its hue, and gray is 0.

    Between magenta and red, where no depth lies, the nearer end.

    Args:
        picture: uint8 [height, width, 3].

    Returns:
        uint16 [height, width].
    """
    red, green, blue = (picture[..., channel].astype("float64") for channel in range(3))
    largest, least = picture.max(axis=-1).astype("float64"), picture.min(axis=-1).astype("float64")
    span = np.maximum(largest - least, 1.0)
    hue = np.select(
        [largest == least, (largest == red), largest == green],
        [0.0, (green - blue) / span, 2 + (blue - red) / span],
        4 + (red - green) / span,
    )  # sixths of the circle, from −1 to 5
    end = float(len(CORNERS) - 1)
    hue = np.where(hue < -0.5, end, hue)  # magenta, and what lies between it and the middle to red
    hue = np.clip(hue, 0.0, end)
    return np.rint(hue * (SIDE * MOST / HUES)).astype("uint16")


def encode_triangle_wave(depth: np.ndarray, period: int = 4096) -> np.ndarray:
    """The high bits as they are, and two triangle waves of the depth, a quarter of a period apart, for the low ones.

    Pece, Kautz and Weyrich, "Adapting standard video codecs for depth streaming", 2011. The three channels are meant as
    luma and chroma: for a codec that codes them as they are, such as JPEG with `color_transform=False`.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    depth = np.arange(65536, dtype="uint16").reshape(256, 256)
    restored = ks.depth.decode_triangle_wave(ks.depth.encode_triangle_wave(depth))
    assert np.abs(restored - depth.astype(int)).max() <= 4096 / 2 / 255 / 2 + 1
    ```

    Args:
        depth: uint16 [height, width].
        period: of the waves, 1024 to 65536 levels of depth; the shorter, the finer, and the more a codec must spend.

    Returns:
        uint8 [height, width, 3].

    Raises:
        ValueError: another dtype or shape, or another period.
    """
    period = check_integer(period, "period", 1024, 65536)
    values = _checked(depth).astype("float64")
    waves = [_triangle((values - shift * period) / period) for shift in (0.0, 0.25)]
    return np.rint(np.stack([values / LEVEL, *(255 * wave for wave in waves)], axis=-1)).astype(
        "uint8"
    )


def decode_triangle_wave(picture: np.ndarray, period: int = 4096) -> np.ndarray:
    """The map of `encode_triangle_wave`: of the depths with these waves, the one nearest to the high bits.

    Args:
        picture: uint8 [height, width, 3].
        period: as it was encoded with.

    Returns:
        uint16 [height, width].
    """
    period = check_integer(period, "period", 1024, 65536)
    coarse, first, second = (picture[..., channel].astype("float64") for channel in range(3))
    coarse, first, second = coarse * LEVEL, first / 255, second / 255
    # Where in its period the depth lies: the wave on whose straight part it is says so, in the quarter that the high
    # bits name.
    quarter = np.floor(4 * coarse / period - 0.5).astype("int64") % 4
    within = np.select(
        [quarter == 0, quarter == 1, quarter == 2],
        [first / 2, 0.25 + second / 2, 1 - first / 2],
        1.25 - second / 2,
    )
    turns = np.rint(coarse / period - within)
    return np.clip(np.rint((turns + within) * period), 0, MOST).astype("uint16")


def split_bytes(depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The high and the low byte, two gray pictures [height, width, 1] for two files."""
    depth = _checked(depth)
    return (depth >> 8).astype("uint8")[..., None], (depth & 255).astype("uint8")[..., None]


def join_bytes(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """The inverse of `split_bytes`; an error of one in the high byte is 256 levels."""
    return high[..., 0].astype("uint16") * 256 + low[..., 0]


def _triangle(phase: np.ndarray) -> np.ndarray:
    """A triangle wave of period 1: 0 at whole numbers, 1 half way between."""
    return 1.0 - np.abs(2.0 * (phase - np.floor(phase)) - 1.0)


def _checked(depth: np.ndarray) -> np.ndarray:
    depth = np.asarray(depth)
    if depth.dtype != np.uint16 or depth.ndim != 2:
        raise ValueError(
            f"Expected a depth map, uint16 [height, width]. Received {depth.dtype} of shape {depth.shape}."
        )
    return depth
