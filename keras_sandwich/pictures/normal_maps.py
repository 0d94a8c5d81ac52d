"""Normal maps: files of them, unit vectors, and the levels of x and y that a sandwich carries.

Vectors have x to the right, y up and z towards the viewer, as OpenGL and glTF have them; DirectX and Unreal have y
down, a green channel that is mirrored. The normals of a surface's own ("tangent") space point towards the viewer, so
that z follows from x and y.
"""

import os
from typing import Any

import numpy as np

from keras_sandwich._arguments import require_option
from keras_sandwich.pictures.reading import read_levels

CONVENTIONS = ("opengl", "directx")
HALF = 127.5  # of the levels that a component of −1 to 1 is coded with
SHORTEST = 0.1  # a vector below has no direction and counts as one that points at the viewer
LENGTHS = (0.5, 1.5)  # within which the vectors of a normal map are expected
FEW = 0.05  # how many vectors may be of other lengths, or point away


def read_normal_map(path: str | os.PathLike[str], convention: str = "opengl") -> np.ndarray:
    """Reads a normal map of any depth as unit vectors, y up.

    What is not of unit length is brought to it; vectors shorter than 0.1 (black, the unused parts of an atlas) become
    (0, 0, 1), and where up to a twentieth points away from the viewer, its z becomes 0. Where the third channel is the
    same everywhere, as in maps of x and y alone, z follows from them. A colour profile is not applied, an alpha channel
    not looked at.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks
    from PIL import Image

    Image.new("RGB", (8, 8), (128, 200, 230)).save("normal.png")
    normals = ks.pictures.read_normal_map("normal.png")
    assert normals.shape == (8, 8, 3) and normals[0, 0, 1] > 0.5
    assert ks.pictures.read_normal_map("normal.png", "directx")[0, 0, 1] < -0.5
    ```

    Args:
        path: a picture file with three channels.
        convention: "opengl", green is up; or "directx", green is down.

    Returns:
        [height, width, 3] float32.

    Raises:
        OSError: there is no such file, or it may not be read.
        ValueError: it cannot be read, is gray, or is no normal map: more than a twentieth of the vectors is of a length
            outside 0.5 to 1.5, or points away.
    """
    require_option(convention, CONVENTIONS, "convention")
    levels, peak = read_levels(path)
    if levels.shape[-1] != 3:
        raise ValueError(
            f"A normal map has three channels. Received {os.fspath(path)!r} with {levels.shape[-1]}; a height "
            "map is made one with `datasets.normals_from_heights`."
        )
    try:
        normals = _as_normals(levels.astype("float32") * np.float32(2.0 / peak) - np.float32(1.0))
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)!r} is no normal map: {error}") from error
    return normals if convention == "opengl" else normals * np.array([1, -1, 1], "float32")


def normals_to_levels(normals: Any) -> np.ndarray:
    """Unit vectors to the levels of x and y, 127.5·(n + 1), which sandwiches for normal maps carry.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    levels = ks.pictures.normals_to_levels(np.array([[[0.6, 0.0, 0.8]]]))
    assert np.allclose(levels, [[[204.0, 127.5]]])
    assert np.allclose(ks.pictures.levels_to_normals(levels), [[[0.6, 0.0, 0.8]]])
    ```

    Args:
        normals: [..., 3], of unit length, z not negative.

    Returns:
        [..., 2] float32 in [0, 255].

    Raises:
        ValueError: vectors of other lengths, or that point away from the viewer.
    """
    normals = np.asarray(normals)
    if normals.shape[-1:] != (3,):
        raise ValueError(f"Expected vectors [..., 3]. Received shape {normals.shape}.")
    lengths = np.sqrt(np.sum(np.square(normals, dtype="float32"), axis=-1))
    if not (np.abs(lengths - 1.0) < 1e-2).all() or normals[..., 2].min() < -1e-2:
        raise ValueError(
            "Expected unit vectors that point towards the viewer. Received lengths from "
            f"{lengths.min():.3g} to {lengths.max():.3g} and z from {normals[..., 2].min():.3g}."
        )
    return np.asarray(HALF * (normals[..., :2] + 1.0), "float32")


def levels_to_normals(levels: Any) -> np.ndarray:
    """The unit vectors of levels of x and y, z not negative; what is longer than 1 is shortened.

    Args:
        levels: [..., 2] in [0, 255].

    Returns:
        [..., 3] float32.
    """
    x, y = (np.asarray(levels)[..., k].astype("float32") / np.float32(HALF) - 1 for k in range(2))
    z = np.sqrt(np.clip(1.0 - x * x - y * y, 0.0, None))
    normals = np.stack([x, y, z], axis=-1)
    return np.asarray(normals / np.linalg.norm(normals, axis=-1, keepdims=True), "float32")


def normals_to_picture(normals: Any, convention: str = "opengl", bits: int = 8) -> np.ndarray:
    """Unit vectors as a picture of three channels, as files hold normal maps.

    Args:
        normals: [height, width, 3].
        convention: "opengl" or "directx".
        bits: 8 or 16.

    Returns:
        uint8 or uint16 [height, width, 3].
    """
    require_option(convention, CONVENTIONS, "convention")
    require_option(bits, (8, 16), "bits")
    up = 1.0 if convention == "opengl" else -1.0
    peak = 2.0**bits - 1.0
    levels = 0.5 * peak * (np.asarray(normals, "float64") * [1.0, up, 1.0] + 1.0)
    return np.clip(np.round(levels), 0, peak).astype("uint8" if bits == 8 else "uint16")


def normals_to_octahedral(normals: Any) -> np.ndarray:
    """Unit vectors to two numbers: the hemi-octahedral coding (Cigolle et al. 2014), nearly even over the hemisphere.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    normals = ks.datasets.generate_normal_map(16)
    coded = ks.pictures.normals_to_octahedral(normals)
    assert np.allclose(ks.pictures.octahedral_to_normals(coded), normals, atol=1e-6)
    ```

    Args:
        normals: [..., 3], z not negative.

    Returns:
        [..., 2] in [−1, 1].
    """
    normals = np.asarray(normals)
    x, y = np.moveaxis(normals[..., :2] / np.abs(normals).sum(axis=-1, keepdims=True), -1, 0)
    return np.stack([x + y, x - y], axis=-1)


def octahedral_to_normals(coded: Any) -> np.ndarray:
    """The inverse of `normals_to_octahedral`; z is not negative, whatever the numbers."""
    u, v = np.moveaxis(np.asarray(coded), -1, 0)
    x, y = 0.5 * (u + v), 0.5 * (u - v)
    normals = np.stack([x, y, np.clip(1.0 - np.abs(x) - np.abs(y), 0.0, None)], axis=-1)
    return np.asarray(normals / np.linalg.norm(normals, axis=-1, keepdims=True))


def _as_normals(vectors: np.ndarray) -> np.ndarray:
    z = vectors[..., 2]
    if z.size and z.min() == z.max():  # x and y alone
        return levels_to_normals(HALF * (vectors[..., :2] + 1.0))
    lengths = np.linalg.norm(vectors, axis=-1)
    black = lengths < SHORTEST
    # Black is (−1, −1, −1), which is no direction that anybody means.
    black |= (vectors < -0.95).all(axis=-1)
    other = ~black & ((lengths < LENGTHS[0]) | (lengths > LENGTHS[1]))
    if other.mean() > FEW:
        raise ValueError(
            f"{100 * other.mean():.0f} % of its vectors are shorter than {LENGTHS[0]} or longer than "
            f"{LENGTHS[1]}, which normals should not be"
        )
    away = ~black & (z < -2.0 / 255.0)
    if away.mean() > FEW:
        raise ValueError(
            f"{100 * away.mean():.0f} % of its vectors point away from the viewer: it may be one of an "
            "object's own space, and only those of a surface's (tangent) space are carried"
        )
    normals = np.where(black[..., None], np.array([0, 0, 1], "float32"), vectors)
    normals[..., 2] = np.maximum(normals[..., 2], 0.0)
    lengths = np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)
    return np.asarray(normals / lengths, "float32")
