"""How far the normals of two normal maps point apart."""

from typing import Any

import keras
from keras import ops

from keras_sandwich._arguments import check_positive
from keras_sandwich.losses.picture_distance import PictureDistance
from keras_sandwich.ops.shading import decode_maps

BLUNT = 0.005  # of an angle, in radians (0.3°): below it the gradient fades


@keras.saving.register_keras_serializable(package="keras_sandwich")
class NormalAngleError(PictureDistance):
    """The loss scale·(mean angle)², one number for each normal map, in squared levels.

    The mean angle between the normals is what normal maps are judged by; its square is about as large as the squared
    error of maps whose levels are 127.5·(n + 1), so that γ means what it means with squared error. What is not of unit
    length is brought to it first, and of x and y alone z is taken to be positive.

    Example:

    ```python
    import math
    import numpy as np
    import keras_sandwich as ks

    loss = ks.losses.NormalAngleError(scale=1.0)
    flat = np.full((1, 8, 8, 2), 127.5, "float32")
    tilted = flat + np.float32([127.5 * math.sin(0.1), 0.0])  # by 0.1 radians
    assert 12.0 < float(loss(flat, tilted)) ** 0.5 < 12.75  # about 127.5 · 0.1 levels
    ```

    Args:
        image_max: the largest value of the maps: 255, or 255·2^k for 8 + k bits.
        scale: what the squared mean angle, in levels of image_max/2 a radian, is multiplied with.
        name: the loss's name.
        reduction: as in any Keras loss; a sandwich takes its own mean.
        dtype: of what comes in and out; None is float32, under any `floatx` and policy. The arithmetic is float32.

    Call arguments:
        y_true: [batch, height, width, 2 or 3] in [0, image_max]: x and y, or x, y and z.
        y_pred: of the same shape.

    Raises:
        ValueError: a scale or `image_max` that is not positive and finite; when called, maps of other channels.
    """

    def __init__(
        self,
        image_max: float = 255.0,
        scale: float = 1.0,
        name: str = "normal_angle_error",
        reduction: Any = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(scale, name, reduction, dtype)
        self.image_max = check_positive(image_max, "image_max")

    def distance(self, target: Any, prediction: Any) -> Any:
        one, other = (self._normals(maps) for maps in (target, prediction))
        chord = sum(ops.square(a - b) for a, b in zip(one, other, strict=True))
        # The angle is 2·asin(chord/2), and of chords up to 0.5 (29°) within a hundredth the chord itself.
        angle = ops.sqrt(chord + BLUNT**2) - BLUNT
        mean = ops.mean(angle, axis=(1, 2, 3))
        return ops.square(0.5 * self.image_max * mean)

    def _normals(self, maps: Any) -> Any:
        kind = "normal_xyz" if maps.shape[-1] == 3 else "normal_xy"
        return decode_maps(maps, (kind,), self.image_max)["normal"]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "image_max": self.image_max}
