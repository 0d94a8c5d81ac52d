"""How different two sets of material maps look when they are rendered."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sandwich._arguments import check_positive, require_integers
from keras_sandwich.losses.picture_distance import PictureDistance
from keras_sandwich.ops.shading import (
    check_maps,
    decode_maps,
    render_decoded,
)

LEAST_COSINE = 0.3  # of a direction with the surface: no grazing light
OFF_MIRROR = 0.1  # how far a view is from where a mirror would reflect the light to


@keras.saving.register_keras_serializable(package="keras_sandwich")
class ShadingError(PictureDistance):
    """The loss scale·mean squared error of renders of material maps, one number for each sample.

    Maps are rendered by `ops.render_material` (Lambert and GGX), the same ones under several lights and from several
    views: directions are drawn by the seed, and in every second render the view is near the one into which a mirror
    would reflect the light, so that highlights are seen. Renders are in [0, image_max], so that the error is one of
    squared levels, and its PSNR that of the renders.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    maps = ("color", "normal_xy", "roughness", "metalness", "occlusion")  # 8 channels
    loss = ks.losses.ShadingError(maps, renders=2)
    material = np.random.default_rng(0).uniform(0, 255, (1, 8, 8, 8)).astype("float32")
    assert float(loss(material, material)) == 0.0
    assert float(loss(material, 0.9 * material)) > 0.0
    ```

    Args:
        maps: what the channels are, in order; see `ops.render_material`.
        renders: how many.
        seed: of the lights and views. They are the same in every step.
        image_max: the largest value of the maps: 255, or 255·2^k for 8 + k bits.
        scale: what the error of the renders is multiplied with.
        name: the loss's name.
        reduction: as in any Keras loss; a sandwich takes its own mean.
        dtype: of what comes in and out; None is float32, under any `floatx` and policy. The arithmetic is float32.

    Raises:
        ValueError: maps that are unknown or given twice, no renders, a scale or `image_max` that is not positive and
            finite; when called, maps and samples of other numbers of channels.
    """

    def __init__(
        self,
        maps: Sequence[str] = ("normal_xyz",),
        renders: int = 8,
        seed: int = 0,
        image_max: float = 255.0,
        scale: float = 1.0,
        name: str = "shading_error",
        reduction: Any = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(scale, name, reduction, dtype)
        require_integers(renders=renders)
        require_integers(0, seed=seed)
        self.maps = check_maps(maps)
        self.renders, self.seed = int(renders), int(seed)
        self.image_max = check_positive(image_max, "image_max")
        self.lights, self.views = lights_and_views(self.renders, self.seed)

    def distance(self, target: Any, prediction: Any) -> Any:
        surfaces = [decode_maps(x, self.maps, self.image_max) for x in (target, prediction)]
        total: Any = 0.0
        # One after the other: all at once are as many pictures in memory.
        for light, view in zip(self.lights, self.views, strict=True):
            one, other = (render_decoded(x, light, view, self.image_max) for x in surfaces)
            total = total + ops.mean(ops.square(one - other), axis=(1, 2, 3))
        return total / self.renders

    def get_config(self) -> dict[str, Any]:
        own = {
            "maps": list(self.maps),
            "renders": self.renders,
            "seed": self.seed,
            "image_max": self.image_max,
        }
        return {**super().get_config(), **own}


def lights_and_views(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Directions [number, 3] float32 each, of length 1."""
    random = np.random.default_rng(seed)
    lights, views = (_directions(random, number) for _ in range(2))
    mirrored = lights[1::2] * [-1.0, -1.0, 1.0]
    mirrored = mirrored + random.normal(0.0, OFF_MIRROR, mirrored.shape)
    views[1::2] = mirrored / np.linalg.norm(mirrored, axis=1, keepdims=True)
    return lights.astype("float32"), views.astype("float32")


def _directions(random: np.random.Generator, number: int) -> np.ndarray:
    """As many of an angle as light comes from it to a surface, but for grazing ones."""
    cosine = np.sqrt(random.uniform(LEAST_COSINE**2, 1.0, number))
    angle = random.uniform(0.0, 2.0 * np.pi, number)
    sine = np.sqrt(1.0 - cosine**2)
    return np.stack([sine * np.cos(angle), sine * np.sin(angle), cosine], axis=1)
