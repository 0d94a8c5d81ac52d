"""Several distortions as one."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_sandwich._arguments import check_not_negative
from keras_sandwich.losses.rate_distortion import distortion_per_sample


@keras.saving.register_keras_serializable(package="keras_sandwich")
class WeightedSum(keras.losses.Loss):
    """The loss Σ weight·loss, one number for each sample, such as squared error and a tenth of MS-SSIM.

    The losses of this package are by default about as large as squared error, so that the weights say how much of each
    there is; with weights whose sum is 1, γ means what it means with squared error.

    Example:

    ```python
    import keras
    import numpy as np
    import keras_sandwich as ks

    loss = ks.losses.WeightedSum(["mse", ks.losses.StructuralSimilarity()], [0.9, 0.1])
    pictures = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype("float32")
    assert float(loss(pictures, pictures)) < 1e-3
    ```

    Args:
        losses: the names of Keras losses, `keras.losses.Loss`es (their reductions are not used), or callables of
            (target, prediction).
        weights: a number for each, not negative.
        name: the loss's name.
        reduction: as in any Keras loss; a sandwich takes its own mean.
        dtype: of the targets and predictions; None is float32, under any policy.

    Raises:
        ValueError: no losses, another number of weights, or a weight that is negative or not finite.
    """

    def __init__(
        self,
        losses: Sequence[Any],
        weights: Sequence[float],
        name: str = "weighted_sum",
        reduction: Any = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype or "float32")
        if isinstance(losses, str) or not losses or len(losses) != len(weights):
            raise ValueError(
                "A weighted sum is of one or more losses, with a weight for each. "
                f"Received losses={losses!r} and weights={weights!r}."
            )
        self.losses = [keras.losses.get(loss) for loss in losses]
        self.weights = [check_not_negative(weight, "weights") for weight in weights]

    def call(self, y_true: Any, y_pred: Any) -> Any:
        total: Any = 0.0
        for loss, weight in zip(self.losses, self.weights, strict=True):
            total = total + weight * distortion_per_sample(loss, y_true, y_pred)
        return total

    def get_config(self) -> dict[str, Any]:
        losses = [keras.losses.serialize(loss) for loss in self.losses]
        own = {"losses": losses, "weights": self.weights, "dtype": self.dtype}
        return {**super().get_config(), **own}
