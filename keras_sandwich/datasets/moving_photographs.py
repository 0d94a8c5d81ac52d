"""Clips made of photographs, where there is no video: pan, zoom, rotation, layers that move, motion blur."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_sandwich._arguments import require_integers
from keras_sandwich.datasets.pictures import as_picture

EXPOSURES = 3  # moments that a frame is the mean of
LARGEST_SPEED = 4.0  # pixels a frame
LARGEST_TURN = 0.015  # radians a frame
LARGEST_ZOOM = 0.015  # a frame, in the logarithm
SCALES = 0.5, 1.0  # pixels of the photograph to one of the clip
MOST_LAYERS = 2


class Layer(NamedTuple):
    """A photograph that moves: what a pixel of a clip sees of it at a time, and where it covers what lies behind."""

    picture: np.ndarray
    centre: np.ndarray  # in the photograph, of the clip's centre at time 0
    angle: float
    scale: float
    speed: np.ndarray
    turn: float
    zoom: float
    radii: (
        np.ndarray | None
    )  # of an ellipse around its own centre, in pixels of the clip; None: everywhere
    place: np.ndarray  # of that centre in the clip at time 0

    def seen_from(self, points: np.ndarray, time: float) -> np.ndarray:
        """Points of a frame, [..., 2] from the clip's centre, in the layer's own pixels of scale 1."""
        moved = points - self.place - self.speed * time
        return moved @ _rotation(-self.turn * time) * np.exp(-self.zoom * time)

    def shown_at(self, own: np.ndarray, time: float) -> np.ndarray:
        """The inverse of `seen_from`."""
        moved = own @ _rotation(self.turn * time) * np.exp(self.zoom * time)
        return moved + self.place + self.speed * time

    def colours(self, own: np.ndarray) -> np.ndarray:
        return _sampled(self.picture, self.centre + own @ _rotation(self.angle) * self.scale)

    def covers(self, own: np.ndarray) -> np.ndarray:
        """0 to 1: with an edge of a pixel or so."""
        if self.radii is None:
            return np.ones(own.shape[:-1])
        distance = np.linalg.norm(own / self.radii, axis=-1)
        return np.clip((1 - distance) * self.radii.min() + 0.5, 0, 1)


def moving_photographs(
    photographs: Sequence[Any],
    number: int = 8,
    frames: int = 10,
    size: int = 128,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Clips in which photographs move, and their motion, which is exact.

    Each clip has one photograph as its background and up to two others as ellipses before it. Each pans (up to 4 pixels
    a frame), zooms and turns (up to 1.5 % and 0.86° a frame) at a rate of its own, and is blurred by its motion over up
    to half of a frame's time. They are no videos: nothing deforms, and light does not change.

    Example:

    ```python
    import keras_sandwich as ks

    clips, flow = ks.datasets.moving_photographs(
        ks.datasets.sample_images("test"), number=2, frames=3, size=48, seed=1
    )
    assert clips.shape == (2, 3, 48, 48, 3) and flow.shape == (2, 2, 48, 48, 2)
    ```

    Args:
        photographs: arrays [height, width, 3] in [0, 255] of any sizes; smaller ones than a clip are mirrored.
        number: of clips.
        frames: of a clip.
        size: height and width of a clip, in pixels.
        seed: of all that is drawn; integer, not negative.

    Returns:
        clips: uint8 [number, frames, size, size, 3].
        flow: float32 [number, frames − 1, size, size, 2]: where in the frame before each pixel comes from, rows and
            columns, of what is foremost at the middle of the exposure.

    Raises:
        ValueError: no photographs, or arguments out of their range.
    """
    require_integers(1, number=number, frames=frames, size=size)
    require_integers(0, seed=seed)
    pictures = [as_picture(p, f"photographs[{k}]") for k, p in enumerate(photographs)]
    if not pictures:
        raise ValueError("`photographs` must hold at least one picture. Received none.")
    made = [
        _clip(pictures, frames, size, np.random.default_rng([seed, clip])) for clip in range(number)
    ]
    return np.stack([clip for clip, _ in made]), np.stack([flow for _, flow in made])


def _clip(
    pictures: list[np.ndarray], frames: int, size: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    layers = [_layer(pictures, size, random, whole=True)]
    layers += [
        _layer(pictures, size, random, whole=False) for _ in range(random.integers(MOST_LAYERS + 1))
    ]
    shutter = random.uniform(0, 0.5)
    moments = (np.arange(EXPOSURES) - (EXPOSURES - 1) / 2) * shutter / EXPOSURES
    points = np.moveaxis(np.mgrid[:size, :size], 0, -1) - (size - 1) / 2
    clip = np.empty((frames, size, size, 3), "uint8")
    flow = np.zeros((frames - 1, size, size, 2), "float32")
    for t in range(frames):
        exposed = np.mean([_seen(layers, points, t + moment) for moment in moments], axis=0)
        clip[t] = np.clip(np.rint(exposed), 0, 255)
        if t:
            flow[t - 1] = _flow(layers, points, t)
    return clip, flow


def _layer(
    pictures: list[np.ndarray], size: int, random: np.random.Generator, whole: bool
) -> Layer:
    picture = pictures[random.integers(len(pictures))]
    heading = random.uniform(0, 2 * np.pi)
    speed = random.uniform(0, LARGEST_SPEED) * np.array([np.sin(heading), np.cos(heading)])
    return Layer(
        picture=picture,
        centre=random.uniform(0, 1, 2) * np.array(picture.shape[:2]),
        angle=random.uniform(-np.pi, np.pi) if not whole else random.uniform(-0.2, 0.2),
        scale=random.uniform(*SCALES),
        speed=speed,
        turn=random.uniform(-LARGEST_TURN, LARGEST_TURN),
        zoom=random.uniform(-LARGEST_ZOOM, LARGEST_ZOOM),
        radii=None if whole else random.uniform(0.1, 0.3, 2) * size,
        place=np.zeros(2) if whole else random.uniform(-0.4, 0.4, 2) * size,
    )


def _seen(layers: list[Layer], points: np.ndarray, time: float) -> np.ndarray:
    """A frame at a moment, float64 [size, size, 3]: the layers one before the other."""
    colours = np.zeros((*points.shape[:2], 3))
    for layer in layers:
        own = layer.seen_from(points, time)
        share = layer.covers(own)[..., None]
        colours = share * layer.colours(own) + (1 - share) * colours
    return colours


def _flow(layers: list[Layer], points: np.ndarray, time: float) -> np.ndarray:
    flow = np.zeros((*points.shape[:2], 2))
    for layer in layers:
        own = layer.seen_from(points, time)
        before = layer.shown_at(own, time - 1) - points
        flow = np.where(layer.covers(own)[..., None] > 0.5, before, flow)
    return flow


def _rotation(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _sampled(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """A picture at any points [..., 2], bilinear, mirrored at its edges."""
    places, parts = [], []
    for axis in (0, 1):
        first = np.floor(points[..., axis])
        parts.append((points[..., axis] - first)[..., None])
        both = np.stack([first, first + 1]).astype(int)
        size = picture.shape[axis]
        folded = both % (2 * size)
        places.append(np.minimum(folded, 2 * size - 1 - folded))
    (top, bottom), (left, right) = places
    above = picture[top, left] * (1 - parts[1]) + picture[top, right] * parts[1]
    below = picture[bottom, left] * (1 - parts[1]) + picture[bottom, right] * parts[1]
    return above * (1 - parts[0]) + below * parts[0]
