"""One step of a training with a real codec in it: its result forward, its proxy's gradient back."""

from typing import Any

import keras
from keras import ops

from keras_sandwich.ops.rounding import clip, straight_through


class Preprocessing(keras.Model):
    """The way of a sandwich to its bottlenecks, compiled, for `predict_on_batch`."""

    def __init__(self, sandwich: Any) -> None:
        super().__init__(autocast=False)
        self.preprocessor = sandwich.preprocessor
        self._preprocess = sandwich.preprocess
        self.built = True

    def call(self, images: Any) -> Any:
        return self._preprocess(images)


class CodecInTheLoop(keras.Model):
    """Trains a sandwich whose codec stood outside: its files' pictures and bits are inputs.

    proxy + stop_gradient(real − proxy), for the pictures and for the bits, with the sandwich's own stages, loss and
    metrics. The proxy's gradient of the rate is scaled to the bits that the files spend on the pictures: headers and
    containers cost the same whatever the preprocessor does.

    Args:
        sandwich: a `CompressIntraModel`, built and compiled; its optimizer is used.

    Call arguments:
        inputs: "images", as the sandwich takes them; "decoded", like its bottlenecks, what the files decode to; "bits",
            [batch], of the whole files; "empty_bits", [batch], those of files with nothing to see in them.
    """

    def __init__(self, sandwich: Any) -> None:
        super().__init__(autocast=False)
        self.sandwich = sandwich
        self.built = True
        self.compile(
            sandwich.optimizer,
            run_eagerly=sandwich.run_eagerly,
            jit_compile=sandwich.jit_compile,
        )

    def call(self, inputs: Any, training: bool | None = None) -> dict[str, Any]:
        sandwich = self.sandwich
        bottleneck = sandwich.preprocess(inputs["images"])
        proxy, proxy_rate = sandwich.codec_proxy(clip(bottleneck, 0.0, 255.0), training=training)
        surrogate = proxy if sandwich.loop_filter is None else sandwich.loop_filter(proxy)
        real, bits, empty_bits = (
            ops.cast(inputs[name], "float32") for name in ("decoded", "bits", "empty_bits")
        )
        decoded = straight_through(real, surrogate)
        payload = ops.relu(bits - empty_bits)
        slope = ops.stop_gradient(payload / ops.maximum(proxy_rate, 1.0))
        size = ops.shape(keras.tree.flatten(inputs["images"])[0])[1:3]
        return {
            "prediction": sandwich.postprocess(decoded, size),
            "rate": straight_through(bits, slope * proxy_rate),
            "bottleneck": bottleneck,
            "compressed_bottleneck": decoded,
        }

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        loss = self.sandwich.compute_loss(x["images"], y, y_pred, sample_weight, training=training)
        self._sandwich_loss().update_state(loss, sample_weight=ops.shape(y_pred["rate"])[0])
        return loss

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return self.sandwich.compute_metrics(x["images"], y, y_pred, sample_weight)

    def get_metrics_result(self) -> dict[str, Any]:
        return dict(self.sandwich.get_metrics_result())

    @property
    def metrics(self) -> list[Any]:
        """Those of the sandwich too: Keras passes over the metrics of a model inside another."""
        own = super().metrics
        names = {id(metric) for metric in own}
        return [*own, *(metric for metric in self.sandwich.metrics if id(metric) not in names)]

    def reset_metrics(self) -> None:
        """Nothing: Keras resets them before each `train_on_batch`, and logs are those of an epoch."""

    def begin_epoch(self) -> None:
        """Resets the metrics."""
        super().reset_metrics()

    def _sandwich_loss(self) -> Any:
        return next(metric for metric in self.sandwich.metrics if metric.name == "loss")
