"""One step of a training with a real codec in it: its result forward, its proxy's gradient back."""

from typing import Any

import keras
from keras import ops

from keras_sandwich.ops.rounding import straight_through


class Preprocessing(keras.Model):
    """The way of a sandwich to its bottlenecks, compiled, for `predict_on_batch`.

    Call arguments:
        inputs: "images", as the sandwich takes them, and "qstep", [batch], which the networks are told.
    """

    def __init__(self, sandwich: Any) -> None:
        super().__init__(autocast=False)
        self.preprocessor = sandwich.preprocessor
        self._preprocess = sandwich.preprocess
        self.built = True

    def call(self, inputs: dict[str, Any]) -> Any:
        return self._preprocess(inputs["images"], inputs["qstep"])


class CodecInTheLoop(keras.Model):
    """Trains a sandwich whose codec stood outside: its files' pictures and bits are inputs.

    proxy + stop_gradient(real − proxy), for the pictures and for the bits, with the sandwich's own stages, loss and
    metrics. The proxy's gradient of the rate is scaled to the bits that the files spend on the pictures: headers and
    containers cost the same whatever the preprocessor does.

    Args:
        sandwich: a `CompressIntraModel`, built and compiled; its optimizer is used.

    Call arguments:
        inputs: "images", as the sandwich takes them; "qstep", [batch], which the networks are told; "decoded", like
            its bottlenecks, what the files decode to; "bits", [batch], of the whole files; "empty_bits", [batch],
            those of files with nothing to see in them.
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
        real, bits, empty_bits = (
            ops.cast(inputs[name], "float32") for name in ("decoded", "bits", "empty_bits")
        )

        def code(bottleneck: Any) -> tuple[dict[str, Any], Any]:
            coded, surrogate = self.sandwich.code_by_proxy(bottleneck, training)
            decoded = straight_through(real, surrogate)
            payload = ops.relu(bits - empty_bits)
            slope = ops.stop_gradient(payload / ops.maximum(coded["rate"], 1.0))
            rate = straight_through(bits, slope * coded["rate"])
            return {"rate": rate, self.sandwich.decoded_key: decoded}, decoded

        qstep = inputs["qstep"] if self.sandwich.conditioned else None
        return self.sandwich.call_through(inputs["images"], code, qstep)

    def train_step(self, *arguments: Any) -> Any:
        # The keys are put together once for the call, the loss and the metrics, as in the sandwich's own step.
        *state, data = arguments
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        x = {**x, "images": self.sandwich.concatenate(x["images"])}
        y = None if y is None else self.sandwich.concatenate(y)
        return super().train_step(*state, (x, y, sample_weight))

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        return self.sandwich.compute_loss(x["images"], y, y_pred, sample_weight, training=training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        self.sandwich.compute_metrics(x["images"], y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        # The loss is this model's own: Keras keeps it where the step is.
        loss = next(metric for metric in super().metrics if metric.name == "loss")
        return {**self.sandwich.get_metrics_result(), "loss": loss.result()}

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
