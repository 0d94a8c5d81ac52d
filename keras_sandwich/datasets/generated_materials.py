"""Materials and normal maps drawn from a seed, so that trainings and tests need no data.

A material begins as a height map that tiles: noise, bricks, pebbles, scratches, weave or terraces, or two of them. Its
slopes are the normals; colour, roughness, metalness and occlusion follow the heights, as they do where a surface is
worn and dirt lies in its hollows. Some normal maps are atlases, as programs bake them for models: islands, some of them
mirrored, on a flat ground.
"""

from typing import Any

import numpy as np

from keras_sandwich._arguments import require_integers, require_option
from keras_sandwich.ops.color import RGB_TO_YUV
from keras_sandwich.pictures.normal_maps import normals_to_levels

KINDS = ("noise", "bricks", "pebbles", "scratches", "weave", "terraces")
LEAST_SIDE = 16
ATLASES = 0.4  # of the normal maps
TILT = 0.25  # of an atlas' islands, the most
# Of the slopes' deviation, the smallest and the largest; those of published materials are 0.07 to 0.3.
SLOPES = (0.05, 0.4)
EDGE = 0.1  # of a photograph's side, at its edges, where heights fall to nothing
METALS, MIXED = 0.15, 0.25  # how many materials are metallic throughout, and in parts


def generate_heights(size: int = 256, kind: str = "noise", seed: int = 0) -> np.ndarray:
    """A height map that tiles.

    Example:

    ```python
    import keras_sandwich as ks

    heights = ks.datasets.generate_heights(64, "bricks", seed=3)
    assert heights.shape == (64, 64) and abs(heights.mean()) < 1e-3
    ```

    Args:
        size: pixels a side, at least 16.
        kind: "noise" (of a power spectrum of its own), "bricks", "pebbles" (cells), "scratches", "weave" or "terraces".
        seed: of everything that is drawn.

    Returns:
        [size, size] float32, of mean 0 and deviation 1.

    Raises:
        ValueError: a size below 16, or an unknown kind.
    """
    require_integers(LEAST_SIDE, size=size)
    require_integers(0, seed=seed)
    require_option(kind, KINDS, "kind")
    random = np.random.default_rng([seed, KINDS.index(kind)])
    return _standard(_HEIGHTS[kind](size, random)).astype("float32")


def normals_from_heights(heights: Any, strength: float = 1.0) -> np.ndarray:
    """The unit normals of a height map that tiles, with y up (OpenGL's convention).

    The slopes are exact for what the samples can hold: they are taken in the Fourier domain.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    ramp = np.cos(np.linspace(0.0, 2.0 * np.pi, 64, endpoint=False))
    normals = ks.datasets.normals_from_heights(np.tile(ramp, (64, 1)), strength=5.0)
    assert np.allclose(np.linalg.norm(normals, axis=-1), 1.0) and np.allclose(normals[..., 1], 0.0)
    ```

    Args:
        heights: [height, width], rows from top to bottom.
        strength: what the heights are multiplied with, in pixels.

    Returns:
        [height, width, 3] float32: x to the right, y up, z towards the viewer.

    Raises:
        ValueError: heights of another rank, or not finite.
    """
    heights = np.asarray(heights, "float64")
    if heights.ndim != 2 or not np.isfinite(heights).all():
        raise ValueError(
            f"`heights` must be finite, [height, width]. Received shape {heights.shape}."
        )
    return _unit(*_falls(heights * strength))


def generate_normal_map(size: int = 256, seed: int = 0) -> np.ndarray:
    """A normal map, of one surface that tiles or an atlas of several.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    normals = ks.datasets.generate_normal_map(64, seed=7)
    assert np.allclose(np.linalg.norm(normals, axis=-1), 1.0, atol=1e-6)
    ```

    Args:
        size: pixels a side, at least 16.
        seed: of everything that is drawn.

    Returns:
        [size, size, 3] float32 unit vectors, y up.

    Raises:
        ValueError: a size below 16.
    """
    require_integers(LEAST_SIDE, size=size)
    require_integers(0, seed=seed)
    random = np.random.default_rng([seed, len(KINDS)])
    if random.random() >= ATLASES:
        return _with_slopes(_drawn_heights(size, random), random)
    return _atlas(size, random)


def generate_material(size: int = 256, seed: int = 0) -> np.ndarray:
    """A whole material: colour (3 channels), normal x and y, roughness, metalness and occlusion.

    Example:

    ```python
    import keras_sandwich as ks

    material = ks.datasets.generate_material(64, seed=2)
    assert material.shape == (64, 64, 8) and material.min() >= 0 and material.max() <= 255
    ```

    Args:
        size: pixels a side, at least 16.
        seed: of everything that is drawn.

    Returns:
        [size, size, 8] float32 in [0, 255], as `pictures.read_material` returns it.

    Raises:
        ValueError: a size below 16.
    """
    require_integers(LEAST_SIDE, size=size)
    require_integers(0, seed=seed)
    random = np.random.default_rng([seed, len(KINDS) + 1])
    heights = _drawn_heights(size, random)
    normals = normals_to_levels(_with_slopes(heights, random))
    parts = [_colors(heights, random), normals, *_worn(heights, random)]
    return np.concatenate(parts, axis=-1).astype("float32")


def material_from_photograph(photograph: Any, seed: int = 0) -> np.ndarray:
    """A material whose colour is a photograph and whose heights are its luma, as programs make them of photographs.

    Example:

    ```python
    import keras_sandwich as ks

    photograph = ks.datasets.sample_images("train")[0][:64, :64]
    material = ks.datasets.material_from_photograph(photograph)
    assert material.shape == (64, 64, 8)
    ```

    Args:
        photograph: square, [size, size, 3] in [0, 255], of at least 16 pixels a side.
        seed: of how steep and how rough it is drawn.

    Returns:
        [size, size, 8] float32 in [0, 255], as `generate_material` returns it.

    Raises:
        ValueError: a photograph of another shape.
    """
    photograph = np.asarray(photograph, "float64")
    size = photograph.shape[0]
    if photograph.shape != (size, size, 3) or size < LEAST_SIDE:
        raise ValueError(
            f"Expected a square photograph [size, size, 3], of at least {LEAST_SIDE} pixels a side. "
            f"Received shape {photograph.shape}."
        )
    require_integers(0, seed=seed)
    random = np.random.default_rng([seed, len(KINDS) + 2])
    luma = photograph @ RGB_TO_YUV[0].astype("float64")
    # A surface of its own slope at the edges, where the photograph does not tile.
    away = np.minimum(np.arange(size), np.arange(size)[::-1]) / (EDGE * size)
    window = np.sin(0.5 * np.pi * np.clip(away, 0.0, 1.0))
    heights = _standard((luma - luma.mean()) * np.outer(window, window))
    heights = _blurred(heights, random.choice([0.0, 0.5, 1.0]))
    normals = normals_to_levels(_with_slopes(heights, random))
    return np.concatenate([photograph, normals, *_worn(heights, random)], -1).astype("float32")


def _drawn_heights(size: int, random: np.random.Generator) -> np.ndarray:
    """One kind of surface, often with another on it, and some grain."""
    first, second = random.permutation(len(KINDS))[:2]
    heights = _standard(_HEIGHTS[KINDS[first]](size, random))
    if random.random() < 0.5:
        other = _standard(_HEIGHTS[KINDS[second]](size, random))
        heights = heights + random.uniform(0.1, 0.7) * other
    heights = _standard(heights) + random.uniform(0.0, 0.03) * _noise(size, random, 0.8)
    return _standard(_blurred(heights, random.choice([0.0, 0.4, 0.8])))


def _with_slopes(heights: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The normals of heights whose slopes are brought to a drawn deviation."""
    slopes = max(float(np.std(_falls(heights))), 1e-6)
    return normals_from_heights(heights, np.exp(random.uniform(*np.log(SLOPES))) / slopes)


def _falls(heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How steeply heights fall to the right and upwards, for a pixel."""
    spectrum = np.fft.fft2(heights)
    down, right = (_frequencies(length) for length in heights.shape)
    to_the_right = -np.fft.ifft2(1j * right[None, :] * spectrum).real
    return to_the_right, np.fft.ifft2(1j * down[:, None] * spectrum).real


def _standard(heights: np.ndarray) -> np.ndarray:
    """Of mean 0 and deviation 1; a flat map as it is."""
    heights = heights - heights.mean()
    return np.asarray(heights / max(heights.std(), 1e-6))


def _frequencies(length: int) -> np.ndarray:
    """In radians a pixel; the highest of even lengths, whose slope no samples show, is 0."""
    frequencies = 2.0 * np.pi * np.fft.fftfreq(length)
    if length % 2 == 0:
        frequencies[length // 2] = 0.0
    return frequencies


def _unit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    vectors = np.stack([x, y, np.ones_like(x)], axis=-1)
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype("float32")


def _radius(size: int) -> np.ndarray:
    """Cycles over the picture, of each place of a spectrum; 1 at the mean's."""
    frequencies = np.fft.fftfreq(size) * size
    radius = np.hypot(frequencies[:, None], frequencies[None, :])
    radius[0, 0] = 1.0
    return np.asarray(radius)


def _noise(size: int, random: np.random.Generator, exponent: float | None = None) -> np.ndarray:
    """Gaussian, of an amplitude that falls with a power of the frequency."""
    exponent = random.uniform(1.1, 2.6) if exponent is None else exponent
    spectrum = np.fft.fft2(random.normal(size=(size, size))) / _radius(size) ** exponent
    spectrum[0, 0] = 0.0
    return _standard(np.fft.ifft2(spectrum).real)


def _blurred(heights: np.ndarray, deviation: float) -> np.ndarray:
    """By a Gaussian of a deviation in pixels."""
    size = len(heights)
    kernel = np.exp(-0.5 * (2.0 * np.pi * deviation * _radius(size) / size) ** 2)
    kernel[0, 0] = 1.0
    return np.asarray(np.fft.ifft2(np.fft.fft2(heights) * kernel).real)


def _bricks(size: int, random: np.random.Generator) -> np.ndarray:
    rows = int(random.choice([2, 4, 6, 8]))
    columns = max(rows // int(random.choice([1, 2])), 1)
    y, x = np.mgrid[:size, :size] / size
    row = np.floor(y * rows).astype(int)
    x = (x + 0.5 / columns * (row % 2) * random.integers(2)) % 1.0
    column = np.floor(x * columns).astype(int)
    from_edge = [
        np.minimum(place % 1.0, 1.0 - place % 1.0) / count
        for place, count in ((y * rows, rows), (x * columns, columns))
    ]
    bevel = random.uniform(0.005, 0.03)
    gap = random.uniform(0.002, 0.01)
    profile = np.clip((np.minimum(*from_edge) - gap) / bevel, 0.0, 1.0)
    profile = profile * profile * (3.0 - 2.0 * profile)
    raised = 1.0 + random.uniform(0.0, 0.3) * random.normal(size=(rows, columns))[row, column]
    grain = random.uniform(0.0, 0.25) * _noise(size, random)
    return np.asarray(profile * (raised + 0.5 * grain) + 0.3 * grain)


def _cells(size: int, random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances to the nearest and the second nearest of some points, and which is nearest, on a torus."""
    places = np.arange(size) / size
    first, second = np.full((2, size, size), np.inf)
    nearest = np.zeros((size, size), int)
    for number, point in enumerate(random.random((count, 2))):
        down, across = (((places - p + 0.5) % 1.0 - 0.5) ** 2 for p in point)
        apart = down[:, None] + across[None, :]
        second = np.minimum(second, np.maximum(first, apart))
        nearest[apart < first] = number
        first = np.minimum(first, apart)
    return np.sqrt(count * np.stack([first, second])), nearest


def _pebbles(size: int, random: np.random.Generator) -> np.ndarray:
    count = int(random.integers(12, 120))
    (first, second), nearest = _cells(size, random, count)
    if random.random() < 0.5:  # domes
        profile = np.sqrt(np.clip(1.0 - first**2, 0.0, None))
    else:  # slabs with cracks between them
        profile = np.clip((second - first) / random.uniform(0.05, 0.4), 0.0, 1.0)
    return np.asarray(
        profile * (1.0 + 0.2 * random.normal(size=count)[nearest])
        + random.uniform(0.0, 0.15) * _noise(size, random)
    )


def _scratches(size: int, random: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[:size, :size].astype("float64")
    heights = random.uniform(0.02, 0.3) * _noise(size, random)
    for _ in range(int(random.integers(10, 60))):
        angle, length = random.uniform(0.0, np.pi), random.uniform(0.05, 0.8) * size
        width, (cy, cx) = random.uniform(0.6, 2.0), random.uniform(0.0, size, 2)
        dy, dx = ((a - b + size / 2) % size - size / 2 for a, b in ((y, cy), (x, cx)))
        along = dx * np.cos(angle) + dy * np.sin(angle)
        across = dy * np.cos(angle) - dx * np.sin(angle)
        line = np.exp(-0.5 * (across / width) ** 2 - 0.5 * np.square(along / (0.4 * length)) ** 3)
        heights -= random.uniform(0.2, 1.0) * line
    return heights


def _weave(size: int, random: np.random.Generator) -> np.ndarray:
    threads = int(random.choice([4, 8, 12, 16, 24]))
    y, x = np.mgrid[:size, :size] / size * threads * np.pi
    over = (np.floor(x / np.pi) + np.floor(y / np.pi)) % 2
    heights = np.where(over > 0, np.abs(np.sin(x)) ** 0.5, np.abs(np.sin(y)) ** 0.5)
    heights = heights * (0.8 + 0.2 * np.where(over > 0, np.abs(np.sin(y)), np.abs(np.sin(x))))
    return np.asarray(heights + random.uniform(0.0, 0.1) * _noise(size, random))


def _terraces(size: int, random: np.random.Generator) -> np.ndarray:
    levels = random.uniform(1.0, 4.0)
    noise = _noise(size, random, random.uniform(1.8, 2.8)) * levels
    sharp = random.uniform(2.0, 8.0)
    within = noise - np.floor(noise) - 0.5
    steps = np.floor(noise) + 0.5 * np.tanh(sharp * within) / np.tanh(0.5 * sharp)
    return np.asarray(steps + random.uniform(0.0, 0.1) * _noise(size, random))


_HEIGHTS = {
    "noise": _noise,
    "bricks": _bricks,
    "pebbles": _pebbles,
    "scratches": _scratches,
    "weave": _weave,
    "terraces": _terraces,
}


def _atlas(size: int, random: np.random.Generator) -> np.ndarray:
    """Islands of other surfaces, tilted smoothly, some mirrored, and some of nothing."""
    count = int(random.integers(3, 12))
    _, island = _cells(size, random, count)
    surfaces = []
    for _ in range(3):
        slopes = _slopes(_with_slopes(_drawn_heights(size, random), random))
        bent = [random.uniform(0.0, TILT) * _noise(size, random, 2.5) for _ in range(2)]
        # A mirrored island's picture runs the other way, and its normals are those of the surface all the same.
        for flip in ((1.0, 1.0), (-1.0, 1.0), (1.0, -1.0)):
            surfaces.append([f * s + b for f, s, b in zip(flip, slopes, bent, strict=True)])
    surfaces.append([np.zeros((size, size))] * 2)
    which = random.integers(len(surfaces), size=count)[island]
    x, y = (
        np.take_along_axis(np.stack([s[k] for s in surfaces]), which[None], axis=0)[0]
        for k in range(2)
    )
    return _unit(x, y)


def _slopes(normals: np.ndarray) -> list[np.ndarray]:
    return [normals[..., k] / normals[..., 2] for k in range(2)]


def _colors(heights: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A ramp of colours over the heights, and a pattern that has nothing to do with them."""
    size = len(heights)
    follows = random.uniform(0.0, 1.0)
    value = follows * heights + (1.0 - follows) * _noise(size, random)
    stops = np.clip(random.normal(random.uniform(60, 180), 25, 4)[:, None], 10, 245)
    stops = np.clip(stops + random.normal(0.0, 25.0, (4, 3)), 0, 255)
    places = np.quantile(value, [0.02, 0.35, 0.65, 0.98])
    color = np.stack([np.interp(value, places, stops[:, k]) for k in range(3)], axis=-1)
    speckle = random.uniform(0.0, 12.0) * _noise(size, random, random.uniform(0.0, 1.5))
    hue = random.normal(0.0, 6.0, 3) * _noise(size, random)[..., None]
    return np.clip(color + speckle[..., None] + hue, 0.0, 255.0)


def _worn(heights: np.ndarray, random: np.random.Generator) -> list[np.ndarray]:
    """Roughness, metalness and occlusion, [size, size, 1] each."""
    size = len(heights)
    hollow = _blurred(heights, size / random.uniform(16.0, 80.0)) - heights
    occlusion = 255.0 * np.exp(-random.uniform(0.1, 1.0) * np.clip(hollow, 0.0, None))
    roughness = random.uniform(60.0, 220.0) + random.normal(0.0, 25.0) * heights
    roughness = roughness + random.uniform(0.0, 25.0) * _noise(size, random)
    metalness = np.zeros_like(heights)
    kind = random.random()
    if kind < METALS:
        metalness += random.uniform(200.0, 255.0)
    elif kind < METALS + MIXED:
        field = heights if random.random() < 0.5 else _noise(size, random, 2.2)
        edge = random.uniform(2.0, 40.0) * (field - np.quantile(field, random.uniform(0.2, 0.8)))
        metalness = 255.0 / (1.0 + np.exp(-np.clip(edge, -30.0, 30.0)))
        roughness = roughness - 0.3 * metalness
    return [np.clip(part, 0.0, 255.0)[..., None] for part in (roughness, metalness, occlusion)]
