"""Structural similarity as a loss that can stand where squared error stands."""

from collections.abc import Callable
from typing import Any

import keras

from keras_sandwich._arguments import check_positive
from keras_sandwich.losses.picture_distance import PictureDistance, exchangeable_scale
from keras_sandwich.ops.structural_similarity import ms_ssim, ssim


class _Dissimilarity(PictureDistance):
    """scale·(1 − similarity)."""

    similarity: Callable[..., Any]
    exchangeable: float  # squared error over 1 − similarity
    usual_name: str

    def __init__(
        self,
        scale: float | None = None,
        image_max: float = 255.0,
        name: str | None = None,
        reduction: Any = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        self.image_max = check_positive(image_max, "image_max")
        scale = exchangeable_scale(scale, self.exchangeable, self.image_max)
        super().__init__(scale, name or self.usual_name, reduction, dtype)

    def distance(self, target: Any, prediction: Any) -> Any:
        return 1.0 - self.similarity(target, prediction, self.image_max)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "image_max": self.image_max}


@keras.saving.register_keras_serializable(package="keras_sandwich")
class StructuralSimilarity(_Dissimilarity):
    """The loss scale·(1 − SSIM) (Wang et al. 2004), one number for each sample; see `ops.ssim`.

    The default scale makes it about as large as the squared error of the same pictures, so that γ, the weight of the
    rate in a sandwich, means with either what it means with the other: the ratio of the means of both over photographs
    coded as JPEG of quality 50 (`benchmarks/quality/distortion_scales.py`).

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
        dtype: of what comes in and out; None is float32, under any `floatx` and policy. The arithmetic is float32.

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
        dtype: of what comes in and out; None is float32, under any `floatx` and policy. The arithmetic is float32.

    Raises:
        ValueError: a scale or `image_max` that is not positive and finite; when called, pictures smaller than 161×161.
    """

    similarity = staticmethod(ms_ssim)
    exchangeable = 2800.0
    usual_name = "multi_scale_structural_similarity"
