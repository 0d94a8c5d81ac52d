"""A sandwich for clips whose frames are coded one by one: what the trunk must carry besides pictures."""

from typing import Any

import keras
import numpy as np
from keras import ops

import keras_sandwich as ks
from keras_sandwich.models.compression_model import CompressionModel


@keras.saving.register_keras_serializable(package="tests")
class ClipModel(CompressionModel):
    """Clips [batch, frames, height, width, channels]; the bits are those of a clip."""

    axes = ("batch", "frames", "height", "width", "channels")

    def preprocess(self, images: Any, qstep: Any = None) -> Any:
        images = self.concatenate(images)
        return _apart(super().preprocess(_together(images), qstep), images)

    def code_by_proxy(self, bottleneck: Any, training: Any = None, qstep: Any = None) -> Any:
        coded, filtered = super().code_by_proxy(_together(bottleneck), training, qstep)
        coded = {name: _apart(values, bottleneck) for name, values in coded.items()}
        return {**coded, "rate": ops.sum(coded["rate"], axis=1)}, _apart(filtered, bottleneck)

    def postprocess(self, bottlenecks: Any, output_size: Any = None, qstep: Any = None) -> Any:
        return _apart(super().postprocess(_together(bottlenecks), output_size, qstep), bottlenecks)

    def compute_output_shape(self, input_shape: Any) -> dict[str, Any]:
        coded, prediction = self.stage_shapes(input_shape)
        shapes = {"prediction": prediction, "bottleneck": coded, "compressed_bottleneck": coded}
        return {**shapes, "rate": coded[:1], **self._keys.shapes(prediction)}


def _together(clips: Any) -> Any:
    return ops.reshape(clips, (-1, *ops.shape(clips)[2:]))


def _apart(frames: Any, clips: Any) -> Any:
    return ops.reshape(frames, (-1, ops.shape(clips)[1], *ops.shape(frames)[1:]))


def clip_model(model_keys: tuple[str, ...] = ("image",), channels: int = 3) -> ClipModel:
    """The linear paths around the proxy, the same whenever it is called."""
    keras.utils.set_random_seed(0)
    pre = ks.models.Preprocessor(1, None, kernel_size=3)
    post = ks.models.Postprocessor(channels, None, kernel_size=3)
    codec = ks.layers.EncodeDecodeIntra(10.0, min_qstep=1.0)
    model = ClipModel(pre, post, codec, 100.0, model_keys=model_keys)
    bias = np.float32([0.6, 0.0, 0.2, 0.0])  # leaves the codec's range
    model.build(dict.fromkeys(model_keys, (None,) * 4 + (channels // len(model_keys),)))
    pre.mlp.linear.bias.assign(bias)
    return model
