"""Structural similarity as a loss that can stand where squared error stands."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_sandwich.losses.rate_distortion import mean_per_sample
from keras_sandwich.ops.structural_similarity import ms_ssim, ssim

# What makes 1 − SSIM as large as the squared error: the ratio of the two means over the 33 sample photographs at JPEG
# quality 50, about 1.3 bits per pixel. It falls from 600 at quality 10 to 340 at 90; MS-SSIM's rises from 1600 to 3100.
SSIM_SCALE = 480.0
MS_SSIM_SCALE = 2800.0


class _Dissimilarity(keras.losses.Loss):
    """scale·(1 − similarity), one number for each sample: a picture, or the mean over a clip's frames."""

    similarity: Callable[..., Any]

    def __init__(
        self, scale: float, image_max: float, name: str, reduction: Any, dtype: Any
    ) -> None:
        # A variance is a small difference of large numbers: float32 under any policy.
        super().__init__(name=name, reduction=reduction, dtype=dtype or "float32")
        for argument, value in (("scale", scale), ("image_max", image_max)):
            if not value > 0:
                raise ValueError(f"`{argument}` must be positive. Received {argument}={value!r}.")
        self.scale = float(scale)
        self.image_max = float(image_max)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        frames = (
            ops.reshape(y, (-1, *ops.shape(y)[-3:])) if len(y.shape) > 4 else y
            for y in (y_true, y_pred)
        )
        similarity = self.similarity(*frames, self.image_max)
        if len(y_pred.shape) > 4:
            similarity = mean_per_sample(ops.reshape(similarity, ops.shape(y_pred)[:-3]))
        return self.scale * (1.0 - similarity)

    def get_config(self) -> dict[str, Any]:
        own = {"scale": self.scale, "image_max": self.image_max, "dtype": self.dtype}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="keras_sandwich")
class StructuralSimilarity(_Dissimilarity):
    """The loss scale·(1 − SSIM) (Wang et al. 2004), one number for each sample; see `ops.ssim`.

    The default scale makes it about as large as the squared error of the same pictures, so that γ, the weight of the
    rate in a sandwich, means with either what it means with the other: measured as the ratio of the means of both over
    the sample photographs, coded as JPEG of quality 50, which is about 1.3 bits per pixel.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    model = ks.models.create_basic_model(
        bottleneck_channels=1, use_unet_preprocessor=False, use_unet_postprocessor=False
    )
    model.compile("adam", loss=ks.losses.StructuralSimilarity())
    images = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype("float32")
    model.fit(images, verbose=0)
    ```

    Args:
        scale: what 1 − SSIM is multiplied with.
        image_max: the largest value of a pixel: 255, or 255·2^k for 8 + k bits.
        name: the loss's name.
        reduction: as in any Keras loss; a sandwich takes its own mean.
        dtype: of the computation; None is float32, whatever `keras.config.floatx()` is.

    Raises:
        ValueError: a scale or `image_max` that is not positive; when called, pictures smaller than 11×11.
    """

    similarity = staticmethod(ssim)

    def __init__(
        self,
        scale: float = SSIM_SCALE,
        image_max: float = 255.0,
        name: str = "structural_similarity",
        reduction: Any = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(scale, image_max, name, reduction, dtype)


@keras.saving.register_keras_serializable(package="keras_sandwich")
class MultiScaleStructuralSimilarity(_Dissimilarity):
    """The loss scale·(1 − MS-SSIM) (Wang et al. 2003), one number for each sample; see `ops.ms_ssim`.

    Pictures have sides of at least 161. The default scale was measured like that of `StructuralSimilarity`.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    loss = ks.losses.MultiScaleStructuralSimilarity(scale=1.0)
    pictures = np.random.default_rng(0).uniform(0, 255, (1, 161, 170, 1)).astype("float32")
    assert abs(float(loss(pictures, pictures))) < 1e-5
    ```

    Args:
        scale: what 1 − MS-SSIM is multiplied with.
        image_max: the largest value of a pixel: 255, or 255·2^k for 8 + k bits.
        name: the loss's name.
        reduction: as in any Keras loss; a sandwich takes its own mean.
        dtype: of the computation; None is float32, whatever `keras.config.floatx()` is.

    Raises:
        ValueError: a scale or `image_max` that is not positive; when called, pictures smaller than 161×161.
    """

    similarity = staticmethod(ms_ssim)

    def __init__(
        self,
        scale: float = MS_SSIM_SCALE,
        image_max: float = 255.0,
        name: str = "multi_scale_structural_similarity",
        reduction: Any = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(scale, image_max, name, reduction, dtype)
