"""The squared error as decibels count it."""

from typing import Any

import keras
from keras import ops

from keras_sandwich.losses.rate_distortion import distortion_per_image

ROUNDING = (
    1.0 / 12.0
)  # the squared error of pixels that a file rounds: what is below it shows nowhere


@keras.saving.register_keras_serializable(package="keras_sandwich")
class LogSquaredError(keras.losses.Loss):
    """E·(1 + ln(mse/E)) for each picture: what to train on where the result is a mean of pictures' PSNRs.

    The PSNR of a set of pictures is the mean of each one's dB, so one dB counts as much in a smooth picture as in a
    busy one, where it is many times as much squared error. This loss weighs them so. A picture whose squared error is
    `reference` has the loss and the gradient of the squared error itself, which leaves γ its meaning.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    loss = ks.losses.LogSquaredError(reference=9.0)
    target, prediction = np.zeros((2, 4, 4, 3)), np.full((2, 4, 4, 3), 3.0)
    assert abs(float(loss(target, prediction)) - 9.0) < 0.1
    # model.compile("adam", loss=ks.losses.LogSquaredError())
    ```

    Args:
        reference: E > 0, a squared error that is usual for the pictures and rates trained for; 100 is 28.1 dB.
        reduction: as of every Keras loss.
        name: name of the loss.

    Raises:
        ValueError: `reference` is not positive.
    """

    def __init__(
        self,
        reference: float = 100.0,
        reduction: str = "sum_over_batch_size",
        name: str = "log_squared_error",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, **kwargs)
        if not 0 < reference < float("inf"):
            raise ValueError(f"`reference` must be positive. Received reference={reference}.")
        self.reference = float(reference)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        error = distortion_per_image("mse", y_true, y_pred)
        return self.reference * (1.0 + ops.log((error + ROUNDING) / self.reference))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "reference": self.reference}
