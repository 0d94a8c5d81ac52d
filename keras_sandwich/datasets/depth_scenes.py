"""Synthetic depth maps: what a depth camera sees of rooms with boxes, spheres and slopes, by ray casting."""

from typing import Any

import numpy as np

from keras_sandwich._arguments import require_integers, require_option

NEAREST, FARTHEST = 0.4, 10.0  # metres: what depth cameras see
KINDS = ("depth", "disparity", "both")
PEAK = 65535  # of 16 bits; 0 is a hole
LEAST = 1e-6  # of a denominator


def synthetic_depth(
    height: int, width: int, seed: Any = 0, kind: str = "depth", holes: bool = False
) -> np.ndarray:
    """One depth map of a made-up scene: a floor, walls, boxes, spheres, slopes and reliefs, seen in perspective.

    Example:

    ```python
    import keras_sandwich as ks

    depth = ks.datasets.synthetic_depth(96, 128, seed=3, holes=True)
    assert depth.shape == (96, 128) and depth.dtype == "uint16" and (depth == 0).any()
    ```

    Args:
        height: of the map in pixels.
        width: of the map.
        seed: an integer, or several, that says which scene.
        kind: "depth", in units of the farthest (10 m) over 65535; "disparity", the inverse, in units of the nearest's
            (0.4 m); "both": one of the two, by the seed.
        holes: leave out, as 0, what a second camera beside would not see, and a few specks.

    Returns:
        uint16 [height, width]; 0 only where there is a hole.

    Raises:
        ValueError: sizes that are not positive integers, or another kind.
    """
    require_integers(height=height, width=width)
    require_option(kind, KINDS, "kind")
    generator = np.random.default_rng(seed)
    distances = _cast(height, width, generator)
    if kind == "both":
        kind = ("depth", "disparity")[generator.integers(2)]
    shares = distances / FARTHEST if kind == "depth" else NEAREST / distances
    levels = np.clip(np.rint(shares * PEAK), 1, PEAK).astype("uint16")
    if holes:
        levels[_unseen(distances, generator)] = 0
    return levels


def depth_crops(
    count: int, size: int = 128, seed: int = 0, kind: str = "both", num_truncate_bits: int = 8
) -> np.ndarray:
    """Maps of so many made-up scenes to train on, turned by right angles; some 30 ms of a core each at 128×128.

    Example:

    ```python
    import keras_sandwich as ks

    crops = ks.datasets.depth_crops(3, size=32)
    assert crops.shape == (3, 32, 32, 1) and 0 < crops.min() < crops.max() <= 65280
    ```

    Args:
        count: how many.
        size: height and width.
        seed: of all of them.
        kind: see `synthetic_depth`.
        num_truncate_bits: k: the maps have 8 + k bits.

    Returns:
        float32 [count, size, size, 1] in [0, 255·2^k], without holes.

    Raises:
        ValueError: sizes that are not positive integers, or another kind.
    """
    require_integers(count=count)
    peak = np.float32(255.0 * 2.0**num_truncate_bits)
    crops = np.empty((count, size, size, 1), "float32")
    for number, crop in enumerate(crops):
        levels = synthetic_depth(size, size, (seed, number), kind)
        turned = np.rot90(levels, number % 4)
        crop[..., 0] = turned * (peak / PEAK)
    return crops


def _cast(height: int, width: int, generator: np.random.Generator) -> np.ndarray:
    """The distance along the axis of view of what each pixel sees first, [height, width] float64."""
    focal = (
        generator.uniform(0.6, 2.5) * max(height, width) * generator.choice([1.0, 1.0, 1.0, 3.0])
    )
    turn = generator.uniform(-0.6, 0.6, 2)
    rows, columns = np.mgrid[:height, :width]
    rays = np.stack(
        [
            (columns - width / 2) / focal + turn[0],
            (rows - height / 2) / focal + turn[1],
            np.ones((height, width)),
        ],
        axis=-1,
    )
    nearest = np.full((height, width), FARTHEST)
    surfaces = [_plane(rays, generator, floor=number == 0) for number in range(3)]
    for _ in range(int(np.exp(generator.uniform(np.log(5.0), np.log(60.0))))):
        make = (_box, _sphere, _slope)[generator.choice(3, p=[0.6, 0.25, 0.15])]
        surfaces.append(make(rays, generator))
    for surface in surfaces:
        seen = np.isfinite(surface) & (surface > NEAREST)
        nearest = np.where(seen & (surface < nearest), surface, nearest)
    return nearest


def _plane(rays: np.ndarray, generator: np.random.Generator, floor: bool) -> np.ndarray:
    """A floor, or a wall behind."""
    if floor:
        normal, offset = np.array([0.0, 1.0, generator.normal(0, 0.1)]), generator.uniform(0.5, 2.0)
    else:
        normal = np.array([generator.normal(0, 0.7), generator.normal(0, 0.3), 1.0])
        offset = generator.uniform(2.0, FARTHEST)
    return _relief(_divided(offset, rays @ normal), rays, generator)


def _slope(rays: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A tilted board: a plane within an ellipse of the view."""
    centre = _somewhere(rays, generator)
    normal = np.array([*generator.normal(0, 1.2, 2), 1.0])
    surface = _divided(centre @ normal, rays @ normal)
    across = (rays * surface[..., None] - centre)[..., :2] / generator.uniform(0.2, 1.5, 2)
    return np.where((across**2).sum(axis=-1) < 1, surface, np.inf)


def _sphere(rays: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    centre, radius = _somewhere(rays, generator), _length(generator, 0.03, 0.9)
    a, b = (rays**2).sum(axis=-1), rays @ centre
    under = b**2 - a * (centre @ centre - radius**2)
    surface = (b - np.sqrt(np.maximum(under, 0))) / a
    return np.where(under > 0, surface, np.inf)


def _box(rays: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A cuboid, turned at random: the ray is inside where it is between all three pairs of faces."""
    centre, sides = _somewhere(rays, generator), _length(generator, 0.01, 1.0, 3)
    rotation = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    directions, start = rays @ rotation, centre @ rotation
    one, other = _divided(start - sides, directions), _divided(start + sides, directions)
    enters = np.minimum(one, other).max(axis=-1)
    leaves = np.maximum(one, other).min(axis=-1)
    return np.where((enters < leaves) & (enters > 0), enters, np.inf)


def _somewhere(rays: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A point in view."""
    row, column = (generator.integers(size) for size in rays.shape[:2])
    return rays[row, column] * np.exp(generator.uniform(np.log(0.8), np.log(7.0)))


def _length(generator: np.random.Generator, least: float, most: float, count: Any = None) -> Any:
    """A length in metres, or several, drawn evenly in their logarithm: boxes become boards and rods too."""
    return np.exp(generator.uniform(np.log(least), np.log(most), count))


def _relief(surface: np.ndarray, rays: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Waves on a surface: cloth, ground; of one in two."""
    if generator.random() < 0.5:
        return surface
    points = rays * np.where(np.isfinite(surface), surface, 0.0)[..., None]
    height = np.zeros(surface.shape)
    for _ in range(4):
        frequency = generator.normal(0, 6.0, 3)
        height += generator.uniform(0, 0.012) * np.sin(points @ frequency + generator.uniform(0, 6))
    return surface + height


def _unseen(distances: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """What lies hidden from a camera beside, and specks where no pattern was recognised."""
    height, width = distances.shape
    shift = np.rint(0.04 * width * NEAREST / distances).astype(int)
    columns = np.arange(width)
    # A point is hidden where one further left is moved at least as far to the right.
    moved = columns + shift
    hidden = np.maximum.accumulate(moved, axis=1) > moved
    specks = generator.random((height, width)) < 0.0005
    for axis in (0, 1):
        specks = specks | np.roll(specks, 1, axis)
    return hidden | specks


def _divided(numerator: Any, denominator: np.ndarray) -> np.ndarray:
    """A quotient, with a denominator that is never zero."""
    small = np.abs(denominator) < LEAST
    return np.asarray(numerator / np.where(small, LEAST, denominator))
