"""What the pictures cost."""

from typing import Any

import keras
from keras import ops

from keras_sandwich._arguments import check_not_negative
from keras_sandwich.losses.rate_distortion import rate_distortion_cost


@keras.saving.register_keras_serializable(package="keras_sandwich")
class BitsPerPixel(keras.metrics.Metric):
    """Mean bits per pixel of the output: of a picture's height × width pixels, of all of a clip's frames.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    bpp = ks.metrics.BitsPerPixel()
    bpp.update_state(np.array([64.0, 192.0]), (8, 16))
    assert float(bpp.result()) == 1.0
    ```

    Args:
        name: the metric's name in logs.
    """

    def __init__(self, name: str = "bpp", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.bits = self.add_variable((), "zeros", dtype="float32", name="bits")
        self.pixels = self.add_variable((), "zeros", dtype="float32", name="pixels")

    def update_state(self, rate: Any, image_size: Any) -> None:
        """Adds samples: `rate` [batch] in bits, their `image_size` (height, width) or (frames, height, width)."""
        rate = ops.convert_to_tensor(rate, "float32")
        # In megapixels and megabits: float32 sums must last for a long epoch.
        pixels = ops.cast(ops.shape(rate)[0], "float32") * 1e-6
        for size in image_size:
            pixels = pixels * ops.cast(size, "float32")
        self.bits.assign_add(ops.sum(rate) * 1e-6)
        self.pixels.assign_add(pixels)

    def result(self) -> Any:
        return ops.divide_no_nan(self.bits, self.pixels)


@keras.saving.register_keras_serializable(package="keras_sandwich")
class DistortionRate(keras.metrics.Metric):
    """Mean of distortion + γ·rate/N, the training loss without its penalties.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    cost = ks.metrics.DistortionRate(gamma=50.0)
    cost.update_state(np.array([10.0]), np.array([96.0]), 8 * 8 * 3)
    assert float(cost.result()) == 10.0 + 50.0 * 96 / 192
    ```

    Args:
        gamma: γ, distortion per bit and output element, ≥ 0.
        name: the metric's name in logs.

    Raises:
        ValueError: γ is negative or not finite.
    """

    def __init__(self, gamma: float = 50.0, name: str = "distortion_rate", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.gamma = check_not_negative(gamma, "gamma")
        self.total = self.add_variable((), "zeros", dtype="float32", name="total")
        self.count = self.add_variable((), "zeros", dtype="float32", name="count")

    def update_state(self, distortion: Any, rate: Any, num_elements: Any) -> None:
        """Adds samples: `distortion` and `rate` [batch], N the elements of an output sample, channels too."""
        cost = rate_distortion_cost(distortion, rate, num_elements, self.gamma)
        self.total.assign_add(ops.sum(cost))
        self.count.assign_add(ops.cast(ops.shape(cost)[0], "float32"))

    def result(self) -> Any:
        return ops.divide_no_nan(self.total, self.count)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gamma": self.gamma}
