"""Structural similarity as a loss that can stand where squared error stands."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_sandwich._arguments import check_positive
from keras_sandwich.losses.rate_distortion import mean_per_sample
from keras_sandwich.ops.structural_similarity import ms_ssim, ssim


class _Dissimilarity(keras.losses.Loss):
    """scale·(1 − similarity), one number for each sample: a picture, or the mean over a clip's frames."""

    similarity: Callable[..., Any]
    # What makes 1 − similarity as large as the squared error of pictures up to 255.
    exchangeable: float
    usual_name: str

    def __init__(
        self,
        scale: float | None = None,
        image_max: float = 255.0,
        name: str | None = None,
        reduction: Any = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        # A variance is a small difference of large numbers: float32 under any policy.
        super().__init__(
            name=name or self.usual_name, reduction=reduction, dtype=dtype or "float32"
        )
        self.image_max = check_positive(image_max, "image_max")
        if scale is None:
            scale = self.exchangeable * (self.image_max / 255.0) ** 2
        self.scale = check_positive(scale, "scale")

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
    rate in a sandwich, means with either what it means with the other: the ratio of the means of both over photographs
    coded as JPEG of quality 50 (`benchmarks/quality/similarity_scales.py`).

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
        scale: what 1 − SSIM is multiplied with; None: 480·(image_max/255)².
        image_max: the largest value of a pixel: 255, or 255·2^k for 8 + k bits.
        name: the loss's name; None: that of the class, as Keras writes it.
        reduction: as in any Keras loss; a sandwich takes its own mean.
        dtype: of the computation; None is float32, whatever `keras.config.floatx()` is.

    Raises:
        ValueError: a scale or `image_max` that is not positive and finite; when called, pictures smaller than 11×11.
    """

    similarity = staticmethod(ssim)
    exchangeable = 480.0
    usual_name = "structural_similarity"


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
        scale: what 1 − MS-SSIM is multiplied with; None: 2800·(image_max/255)².
        image_max: the largest value of a pixel: 255, or 255·2^k for 8 + k bits.
        name: the loss's name; None: that of the class, as Keras writes it.
        reduction: as in any Keras loss; a sandwich takes its own mean.
        dtype: of the computation; None is float32, whatever `keras.config.floatx()` is.

    Raises:
        ValueError: a scale or `image_max` that is not positive and finite; when called, pictures smaller than 161×161.
    """

    similarity = staticmethod(ms_ssim)
    exchangeable = 2800.0
    usual_name = "multi_scale_structural_similarity"
