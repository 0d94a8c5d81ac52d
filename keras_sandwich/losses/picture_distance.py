"""What the distances of pictures share: one number for each sample, on a scale, clips as the mean over their frames."""

from typing import Any

import keras
from keras import ops

from keras_sandwich._arguments import check_positive
from keras_sandwich.losses.rate_distortion import mean_per_sample


class PictureDistance(keras.losses.Loss):
    """scale·distance, one number for each sample: a picture, or the mean over a clip's frames."""

    rank = 4  # of what is compared, the batch's axis too

    def __init__(self, scale: float, name: str, reduction: Any, dtype: Any) -> None:
        # Distances are small differences of large numbers: float32 under any policy.
        super().__init__(name=name, reduction=reduction, dtype=dtype or "float32")
        self.scale = check_positive(scale, "scale")

    def distance(self, target: Any, prediction: Any) -> Any:
        """Of pictures [batch, height, width, channels], or samples of another rank: [batch]."""
        raise NotImplementedError

    def call(self, y_true: Any, y_pred: Any) -> Any:
        inner = self.rank - 1
        if len(y_pred.shape) <= self.rank:
            return self.scale * self.distance(y_true, y_pred)
        frames = (ops.reshape(y, (-1, *ops.shape(y)[-inner:])) for y in (y_true, y_pred))
        distances = ops.reshape(self.distance(*frames), ops.shape(y_pred)[:-inner])
        return self.scale * mean_per_sample(distances)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "dtype": self.dtype}


def exchangeable_scale(scale: float | None, of_bytes: float, image_max: float) -> float:
    """The scale that is asked for, or the one that makes a distance as large as squared error.

    Args:
        scale: as asked for, or None.
        of_bytes: squared error over distance, for pictures up to 255.
        image_max: the largest value of the pictures.
    """
    return of_bytes * (image_max / 255.0) ** 2 if scale is None else scale
