"""The real codec at each epoch's end, so that the best checkpoint is chosen by it and not by its proxy."""

import warnings
from collections.abc import Sequence
from typing import Any

import keras

from keras_sandwich.evaluation.measuring import rd_curve


class CodecEvaluation(keras.callbacks.Callback):
    """Sends held-out pictures through a real codec at each epoch's end.

    Adds `codec_psnr` to the logs: dB at `bits_per_pixel`, interpolated on the curve over `strengths`. Put it before the
    callbacks that read it.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    model = ks.models.create_basic_model(
        use_unet_preprocessor=False, use_unet_postprocessor=False, gamma=700.0
    )
    model.compile("adam")
    images = np.random.default_rng(0).uniform(100, 150, (4, 64, 64, 3)).astype("float32")
    evaluation = ks.callbacks.CodecEvaluation(
        images, ks.codecs.JPEG(qstep=1), strengths=(4, 16, 64), bits_per_pixel=1.0
    )
    history = model.fit(images, callbacks=[evaluation], verbose=0)
    assert history.history["codec_psnr"][0] > 15
    ```

    Args:
        images: [number, height, width, channels] in [0, 255·2^k], or a dict by the model's keys.
        codec: a codec of `keras_sandwich.codecs`.
        strengths: the strengths of the curve.
        bits_per_pixel: the rate at which the quality is read. A curve that does not reach it, as early in a training,
            gives NaN and a warning.
    """

    def __init__(
        self, images: Any, codec: Any, strengths: Sequence[float], bits_per_pixel: float
    ) -> None:
        super().__init__()
        self.images = images
        self.codec = codec
        self.strengths = tuple(strengths)
        self.bits_per_pixel = float(bits_per_pixel)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        curve = rd_curve(self.model, self.images, self.codec, self.strengths, verbose=0)
        try:
            quality = curve.psnr_at(self.bits_per_pixel)
        except ValueError as error:
            warnings.warn(f"`codec_psnr` is NaN in epoch {epoch + 1}: {error}", stacklevel=2)
            quality = float("nan")
        if logs is not None:
            logs["codec_psnr"] = quality
