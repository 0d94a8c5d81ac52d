"""The convolution of the networks."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_sandwich")
class Convolution(keras.layers.Conv2D):
    """A Conv2D on channels-last images that PyTorch runs without copying them.

    Keras 3.15 hands PyTorch a channels-last image by making it channels-first in memory and then channels-last
    again. A view whose axes are permuted has the layout that PyTorch wants already. The kernel, which is small, is
    copied instead: PyTorch has no gradient for some convolutions whose kernel is such a view.
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        if keras.backend.backend() != "torch" or self.data_format != "channels_last":
            return super().convolution_op(inputs, kernel)
        kernel = ops.transpose(kernel, (3, 2, 0, 1))
        kernel = ops.reshape(ops.reshape(kernel, (-1,)), kernel.shape)  # copied in this order
        outputs = ops.conv(
            ops.transpose(inputs, (0, 3, 1, 2)),
            ops.transpose(kernel, (2, 3, 1, 0)),
            strides=list(self.strides),
            padding=self.padding,
            dilation_rate=self.dilation_rate,
            data_format="channels_first",
        )
        return ops.transpose(outputs, (0, 2, 3, 1))
