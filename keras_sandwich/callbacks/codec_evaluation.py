"""The real codec at each epoch's end, so that the best checkpoint is chosen by it and not by its proxy."""

import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_sandwich.codecs.video_codec import VideoCodec
from keras_sandwich.evaluation.measured_pictures import measured_clips, measured_pictures
from keras_sandwich.evaluation.measuring import rd_curve
from keras_sandwich.evaluation.quality import measures


class CodecEvaluation(keras.callbacks.Callback):
    """Sends held-out pictures through a real codec at each epoch's end.

    Adds `codec_psnr` to the logs: dB at `bits_per_pixel`, interpolated on the curve over `strengths`. Put it before the
    callbacks that read it. Other metrics are logged by their names: `codec_psnr_luma`, `codec_ssim`, `codec_ms_ssim`,
    and `codec_lpips` of a metric of one's own that is called "lpips".

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
        images: what `rd_curve` takes: arrays, a list, a dict, or a folder, which is read as training begins.
        codec: a codec of `keras_sandwich.codecs`.
        strengths: the strengths of the curve; by default what `rd_curve` takes.
        bits_per_pixel: the rate at which the quality is read. A curve that does not reach it, as early in a training,
            gives NaN and a warning.
        metrics: what to log, as `rd_curve` takes them.

    Raises:
        ValueError: metrics that are unknown or collide.
    """

    def __init__(
        self,
        images: Any,
        codec: Any,
        strengths: Sequence[float] | None = None,
        *,
        bits_per_pixel: float,
        metrics: Any = ("psnr-rgb",),
    ) -> None:
        super().__init__()
        self.images = images
        self.codec = codec
        self.strengths = None if strengths is None else tuple(strengths)
        self.bits_per_pixel = float(bits_per_pixel)
        self.measures = measures(metrics)
        self._pictures: list[np.ndarray] = []

    def on_train_begin(self, logs: Any = None) -> None:
        if isinstance(self.codec, VideoCodec):
            self._pictures = measured_clips(self.model, self.images)[1]
        else:
            self._pictures = measured_pictures(self.model, self.images).pictures

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        curve = rd_curve(
            self.model,
            self._pictures,
            self.codec,
            self.strengths,
            self.measures.values(),
            verbose=0,
        )
        for metric in self.measures:
            log = f"codec_{metric.removesuffix('-rgb').replace('-', '_')}"
            try:
                quality = curve.quality_at(self.bits_per_pixel, metric)
            except ValueError as error:
                warnings.warn(f"`{log}` is NaN in epoch {epoch + 1}: {error}", stacklevel=2)
                quality = float("nan")
            if logs is not None:
                logs[log] = quality
