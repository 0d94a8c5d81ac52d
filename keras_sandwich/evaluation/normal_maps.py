"""Normal maps, measured: the angle between normals, and the ways in which people put them into picture files."""

from typing import Any

import numpy as np
from keras import ops

from keras_sandwich._arguments import require_option
from keras_sandwich.evaluation.quality import Measure
from keras_sandwich.ops.color import RGB_TO_YUV, YUV_TO_RGB
from keras_sandwich.pictures.normal_maps import (
    HALF,
    levels_to_normals,
    normals_to_levels,
    normals_to_octahedral,
    octahedral_to_normals,
)

CODINGS = ("xyz", "xy", "octahedral")
PLANES = ("rgb", "luma")
MIDDLE = 128.0


def normal_angle() -> Measure:
    """The mean angle between the normals of two maps as a measure, in degrees, of which lower is better.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    measure = ks.evaluation.normal_angle()
    up, tilted = (np.full((8, 8, 2), level, "float32") for level in (127.5, 127.5 * 1.1))
    assert 8.0 < measure(up, tilted, peak=255.0) < 8.2  # asin(0.1·√2) is 8.13°
    ```

    Returns:
        A `Measure`, "normal-angle", of maps [height, width, 2] of x and y, or [height, width, 3], of any peak; what is
        not of unit length is brought to it.
    """
    return Measure(
        "normal-angle",
        _mean_angle,
        label="angle between normals",
        unit="°",
        higher_is_better=False,
        decimals=2,
    )


class NormalMapBaseline:
    """Normal maps in a picture file without networks, as they are published or could be.

    As a system of `rd_curve` it takes and gives x and y in levels 127.5·(n + 1), as sandwiches for normal maps do.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    normals = ks.datasets.generate_normal_map(32)
    levels = ks.pictures.normals_to_levels(normals)[None]
    baseline = ks.evaluation.NormalMapBaseline("octahedral")
    assert np.allclose(baseline.postprocess(baseline.preprocess(levels)), levels, atol=1e-3)
    ```

    Args:
        coding: "xyz", as colour; "xy", and z follows from them; or "octahedral" (`pictures.normals_to_octahedral`).
        planes: where the two numbers of the last two lie: "rgb", in red and green, for a codec without colour
            transform; or "luma", in Y and Cb of one that has it. "xyz" lies in red, green and blue.

    Raises:
        ValueError: an unknown option.
    """

    def __init__(self, coding: str = "xyz", planes: str = "rgb") -> None:
        require_option(coding, CODINGS, "coding")
        require_option(planes, PLANES, "planes")
        self.coding, self.planes = coding, planes
        self.name = coding if coding == "xyz" else f"{coding} in {planes}"

    def preprocess(self, images: Any) -> np.ndarray:
        """What the codec is given, [batch, height, width, 3]."""
        normals = levels_to_normals(ops.convert_to_numpy(images))
        if self.coding == "xyz":
            return np.asarray(HALF * (normals + 1.0), "float32")
        two = normals[..., :2] if self.coding == "xy" else normals_to_octahedral(normals)
        planes = np.concatenate([HALF * two, np.zeros_like(two[..., :1])], axis=-1)
        if self.planes == "luma":
            planes = planes @ YUV_TO_RGB.T
        return np.asarray(planes + MIDDLE, "float32")

    def postprocess(self, bottlenecks: Any, output_size: Any = None) -> np.ndarray:
        """x and y of what the codec decoded, [batch, height, width, 2]."""
        decoded = np.asarray(ops.convert_to_numpy(bottlenecks), "float64")
        if self.coding == "xyz":
            vectors = decoded / HALF - 1.0
            vectors[..., 2] = np.maximum(vectors[..., 2], 1e-3)
            lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
            return normals_to_levels(vectors / lengths)
        planes = decoded - MIDDLE
        if self.planes == "luma":
            planes = planes @ RGB_TO_YUV.T
        two = planes[..., :2] / HALF
        if self.coding == "xy":
            return normals_to_levels(levels_to_normals(HALF * (two + 1.0)))
        return normals_to_levels(octahedral_to_normals(np.clip(two, -1.0, 1.0)))


def _mean_angle(target: np.ndarray, restored: np.ndarray, peak: float) -> float:
    """In degrees; by the arc tangent, which unlike the arc cosine has digits near 0."""
    one, other = (_normals(maps, peak) for maps in (target, restored))
    across = np.linalg.norm(np.cross(one, other), axis=-1)
    return float(np.degrees(np.arctan2(across, (one * other).sum(axis=-1))).mean())


def _normals(maps: np.ndarray, peak: float) -> np.ndarray:
    if maps.shape[-1] == 2:
        return levels_to_normals(maps * (255.0 / peak)).astype("float64")
    if maps.shape[-1] != 3:
        raise ValueError(
            "'normal-angle' needs maps of x and y, or of x, y and z. "
            f"Received {maps.shape[-1]} channels."
        )
    vectors = 2.0 * maps.astype("float64") / peak - 1.0
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6))
