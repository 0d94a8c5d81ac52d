"""What `compile`, `fit` and `evaluate` do with a sandwich: distortion + γ·rate, and what the bar shows."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sandwich.losses.rate_distortion import distortion_per_image, range_penalty
from keras_sandwich.metrics.image_quality import PSNR
from keras_sandwich.metrics.rate import BitsPerPixel
from keras_sandwich.models.training_checks import (
    PeakPixel,
    PixelRangeCheck,
    require_one_distortion,
    require_other_names,
)


class RateDistortionTraining(keras.Model):
    """Training of a model whose call returns a prediction, its rate and the bottleneck."""

    codec_proxy: Any
    bottleneck_penalty: bool

    def _concatenate(self, inputs: Any) -> Any:
        raise NotImplementedError

    def _prepare_training(self, gamma: float, image_max: float) -> None:
        self._gamma = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(_require_gamma(gamma)),
            trainable=False,
            dtype="float32",
            name="gamma",
        )
        self._distortion = keras.metrics.Mean(name="distortion")
        self._psnr = PSNR(image_max=image_max)
        self._bpp = BitsPerPixel()
        self._qstep = keras.metrics.Mean(name="qstep")
        self._peak_pixel = PeakPixel()

    @property
    def gamma(self) -> Any:
        """γ, a variable: the weight of the rate in the loss."""
        return self._gamma

    @gamma.setter
    def gamma(self, value: float) -> None:
        self._gamma.assign(_require_gamma(value))

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """Compiles as `keras.Model.compile` does; `loss` is the distortion, one for the whole prediction.

        Raises:
            ValueError: several losses, loss weights, or a metric whose name is one of the model's own.
        """
        require_one_distortion(loss, loss_weights)
        own = (self._distortion, self._psnr, self._bpp, self._qstep, self._peak_pixel)
        require_other_names([metrics, weighted_metrics], own)
        super().compile(
            optimizer,
            loss=loss,
            metrics=metrics,
            weighted_metrics=weighted_metrics,
            **kwargs,
        )

    def compile_from_config(self, config: dict[str, Any]) -> None:
        # Keras compiles a loaded model itself only where `compile` is its own.
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built:
            self.optimizer.build(self.trainable_variables)

    @property
    def metrics_names(self) -> list[str]:
        """The names that appear in the logs."""
        return [name for name in super().metrics_names if name != self._peak_pixel.name]

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        target = self._concatenate(x if y is None else y)
        prediction, rate = y_pred["prediction"], y_pred["rate"]
        sizes = zip(target.shape[1:], prediction.shape[1:], strict=True)
        if any(None not in pair and pair[0] != pair[1] for pair in sizes):
            raise ValueError(
                "The target and the prediction must have the same height, width and channels. "
                f"Received shapes {tuple(target.shape)} and {tuple(prediction.shape)}; set the "
                "postprocessor's output_channels and downsample_factor, or give a target."
            )
        distortion = distortion_per_image(self.loss or "mse", target, prediction)
        _, height, width, channels = ops.shape(prediction)
        elements = ops.cast(height * width * channels, "float32")
        cost = distortion + ops.convert_to_tensor(self._gamma) * rate / elements
        if self.bottleneck_penalty:
            cost = cost + range_penalty(y_pred["bottleneck"]) / elements
        if sample_weight is not None:
            cost = cost * ops.reshape(ops.cast(sample_weight, "float32"), (-1,))
        total = ops.mean(cost)
        for additional in self.losses:
            total = total + ops.sum(ops.cast(additional, total.dtype))

        self._distortion.update_state(distortion)
        self._psnr.update_state(target, prediction)
        self._bpp.update_state(rate, (height, width))
        if hasattr(self.codec_proxy, "effective_qstep"):
            self._qstep.update_state(self.codec_proxy.effective_qstep())
        self._peak_pixel.update_state(self._concatenate(x))
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        target = self._concatenate(x if y is None else y)
        return super().compute_metrics(x, target, y_pred["prediction"], sample_weight)

    def get_metrics_result(self) -> dict[str, Any]:
        results = dict(super().get_metrics_result())
        results.pop(self._peak_pixel.name, None)
        return results

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Trains as `keras.Model.fit` does; warns if the pictures look scaled to [0, 1]."""
        check = PixelRangeCheck(self._peak_pixel)
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks.append(check)
        else:
            given = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
            callbacks = [*(callback for callback in given if callback is not None), check]
        return super().fit(x, y, batch_size, epochs, verbose, callbacks, **kwargs)


def _require_gamma(gamma: Any) -> float:
    gamma = float(gamma)
    if not (np.isfinite(gamma) and gamma >= 0):
        raise ValueError(f"`gamma` must be finite and not negative. Received gamma={gamma}.")
    return gamma
