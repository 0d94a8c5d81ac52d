"""How good the pictures are."""

from typing import Any

import keras
from keras import ops

from keras_sandwich.losses.weighting import weights_for


@keras.saving.register_keras_serializable(package="keras_sandwich")
class PSNR(keras.metrics.Metric):
    """Peak signal-to-noise ratio in dB: the mean over samples of each sample's own, a picture or a clip.

    Pixels are rounded and clipped first, as a file would hold them.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    psnr = ks.metrics.PSNR()
    psnr.update_state(np.zeros((1, 8, 8, 3)), np.full((1, 8, 8, 3), 10.2))
    assert abs(float(psnr.result()) - 20 * np.log10(255 / 10)) < 1e-3
    ```

    Args:
        image_max: the peak: 255, or 255·2^k for 8 + k bits.
        name: the metric's name in logs.
    """

    def __init__(self, image_max: float = 255.0, name: str = "psnr", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.image_max = float(image_max)
        self.total = self.add_variable((), "zeros", dtype="float32", name="total")
        self.count = self.add_variable((), "zeros", dtype="float32", name="count")

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, image_max: Any = None
    ) -> None:
        """Adds samples; `image_max`: the peak of each, [batch], in place of the metric's own."""
        peak = ops.convert_to_tensor(
            self.image_max if image_max is None else image_max, dtype="float32"
        )
        target, prediction = (
            ops.round(ops.convert_to_tensor(y, "float32")) for y in (y_true, y_pred)
        )
        limit = ops.reshape(peak, (-1,) + (1,) * (len(target.shape) - 1))
        target, prediction = (ops.clip(pixels, 0.0, limit) for pixels in (target, prediction))
        error = ops.square(target - prediction)
        mse = ops.mean(ops.reshape(error, (ops.shape(error)[0], -1)), axis=1)
        # Equal pictures: the dB of one pixel in a million off by one, not infinity.
        decibels = 10.0 * ops.log10(peak**2 / ops.maximum(mse, 1e-6))
        weight = ops.ones_like(decibels)
        if sample_weight is not None:
            weight = weight * weights_for(decibels, sample_weight)
        self.total.assign_add(ops.sum(decibels * weight))
        self.count.assign_add(ops.sum(weight))

    def result(self) -> Any:
        return ops.divide_no_nan(self.total, self.count)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "image_max": self.image_max}
