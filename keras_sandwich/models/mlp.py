"""The linear path of a pre- or postprocessor, with or without hidden layers."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sandwich._arguments import require_integers, require_option
from keras_sandwich.models.base import Network
from keras_sandwich.models.linear_start import start_kernel
from keras_sandwich.models.receptive_field import patches
from keras_sandwich.ops.blocks import depth_to_space, space_to_depth
from keras_sandwich.ops.shapes import ceil_multiple, pad_bottom_right

STARTS = ("linear", "published")


@keras.saving.register_keras_serializable(package="keras_sandwich")
class MLP(Network):
    """Convolutions on p×p patches of pixels: the part of the sandwich that is there from the first step.

    `start="published"`: `num_layers` − 1 hidden 1×1 convolutions with sin activation, then a linear one, random
    (Guleryuz et al., arXiv 2402.05887, section III, with `patch_size=1, kernel_size=1`). `start="linear"`: one
    linear convolution that starts as the linear baseline (`create_linear_baseline`), to which the hidden layers add
    from zero. All of it runs in float32: under a mixed policy this path carries the picture.

    Example:

    ```python
    import keras
    import numpy as np
    import keras_sandwich as ks

    identity = ks.models.MLP(3, num_layers=1, patch_size=2, kernel_size=5, start="linear")
    x = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 7, 9, 3)).astype("float32")
    assert np.allclose(keras.ops.convert_to_numpy(identity(x)), x, atol=1e-6)
    ```

    Args:
        output_channels: channels of the result.
        num_layers: number of layers, ≥ 1; 1 is linear.
        width: channels per pixel of each hidden layer.
        patch_size: p; sizes that it does not divide are mirrored at bottom and right and cropped back.
        kernel_size: odd size of the linear convolution, in patches.
        start: "linear" or "published".
        decode: start as what comes after the codec rather than before it.
        train_linear: whether the linear convolution of a linear start is trained.

    Call arguments:
        x: normalised pixels [batch, height, width, channels].

    Returns:
        [batch, height, width, output_channels] float32.
    """

    def __init__(
        self,
        output_channels: int,
        num_layers: int = 2,
        width: int = 16,
        patch_size: int = 1,
        kernel_size: int = 1,
        start: str = "published",
        decode: bool = False,
        train_linear: bool = True,
        **kwargs: Any,
    ) -> None:
        # The variables stay float32 under any policy.
        super().__init__(autocast=False, **{**kwargs, "dtype": "float32"})
        require_integers(
            output_channels=output_channels,
            num_layers=num_layers,
            width=width,
            patch_size=patch_size,
            kernel_size=kernel_size,
        )
        if kernel_size % 2 == 0:
            raise ValueError(f"`kernel_size` must be odd. Received kernel_size={kernel_size}.")
        require_option(start, STARTS, "start")
        self.output_channels = output_channels
        self.num_layers = num_layers
        self.width = width
        self.patch_size = patch_size
        self.kernel_size = kernel_size
        self.start = start
        self.decode = decode
        self.train_linear = train_linear
        depth = patch_size**2
        self.hidden = [
            keras.layers.Conv2D(
                width * depth,
                1,
                data_format="channels_last",
                activation=ops.sin,
                dtype="float32",
                name=f"layer_{number}",
            )
            for number in range(num_layers - 1)
        ]
        self.linear = None
        linear = start == "linear"
        if linear:
            self.linear = keras.layers.Conv2D(
                output_channels * depth,
                kernel_size,
                padding="same",
                data_format="channels_last",
                dtype="float32",
                name="linear",
            )
            self.linear.trainable = train_linear
        self.last = None
        if self.hidden or not linear:
            self.last = keras.layers.Conv2D(
                output_channels * depth,
                1 if linear else kernel_size,
                padding="same",
                data_format="channels_last",
                kernel_initializer="zeros" if linear else "glorot_uniform",
                dtype="float32",
                name=f"layer_{num_layers - 1}",
            )

    @property
    def alignment(self) -> int:
        """The grid of pixels that the patches make."""
        return self.patch_size

    @property
    def receptive_radius(self) -> int:
        """How many pixels away a pixel of the picture can still change a pixel of the result."""
        return patches(self.kernel_size // 2, self.patch_size)

    def build(self, x_shape: Any) -> None:
        channels = x_shape[-1] * self.patch_size**2
        if self.linear is not None:
            kernel = start_kernel(
                x_shape[-1], self.output_channels, self.patch_size, self.kernel_size, self.decode
            )
            # Not assigned after building: `fit` and `predict` may build under a scope that forgets assignments.
            self.linear.kernel_initializer = keras.initializers.Constant(kernel)
            self.build_part(self.linear, (None, None, None, channels))
        for layer in self.hidden:
            layer.build((None, None, None, channels))
            channels = layer.filters
        if self.last is not None:
            self.last.build((None, None, None, channels))
        self.built = True

    def set_linear(self, kernel: np.ndarray) -> None:
        """Replaces the linear convolution's kernel and clears its bias."""
        if self.linear is None:
            raise ValueError(
                "Only a linear start has a linear path to set. Received start='published'."
            )
        self.linear.kernel.assign(kernel)
        self.linear.bias.assign(np.zeros(self.linear.bias.shape, "float32"))

    def call(self, x: Any) -> Any:
        x = ops.cast(x, "float32")
        _, height, width, _ = ops.shape(x)
        p = self.patch_size
        x = pad_bottom_right(x, ceil_multiple(height, p), ceil_multiple(width, p), True)
        patches = space_to_depth(x, p)
        result = self.linear(patches) if self.linear is not None else None
        if self.last is not None:
            hidden = patches
            for layer in self.hidden:
                hidden = layer(hidden)
            correction = self.last(hidden)
            result = correction if result is None else result + correction
        return depth_to_space(result, p)[:, :height, :width]

    def compute_output_shape(self, x_shape: Any) -> tuple[Any, ...]:
        return (*x_shape[:-1], self.output_channels)

    def get_config(self) -> dict[str, Any]:
        return {
            **keras.layers.Layer.get_config(self),
            "output_channels": self.output_channels,
            "num_layers": self.num_layers,
            "width": self.width,
            "patch_size": self.patch_size,
            "kernel_size": self.kernel_size,
            "start": self.start,
            "decode": self.decode,
            "train_linear": self.train_linear,
        }
