"""Rate models: differentiable estimates of the bits that the codec spends.

A rate model is a layer called as (indices, unrounded, qstep), each of the first two a list with one tensor
[batch, rows, columns, 64] per channel, and returns [batch] bits. If its `call` has an argument `image_size` it is
given (height, width) too.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sandwich._arguments import require_option
from keras_sandwich.ops.chroma import require_subsampling
from keras_sandwich.ops.jpeg_bits import HUFFMAN, jpeg_file_bits, jpeg_scan_bits, separate_bits

GRADIENTS = ("quantized", "unrounded")
_HALF_LOG_2_PI_E = 0.5 * float(np.log(2.0 * np.pi * np.e))


@keras.saving.register_keras_serializable(package="keras_sandwich")
class GaussianRate(keras.layers.Layer):
    """Bits of Gaussian coefficients, one deviation per channel, block column and frequency.

    bits = blocks · relu(ln(σ + 2.2e-16) + ½ ln(2πe)) / ln 2 over the blocks of each column, σ the population
    deviation of the dequantized coefficient in units of its step; summed (the published implementation of Guleryuz
    et al., arXiv 2402.05887). Where σ = 0 the rate and its gradient are 0.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    indices = [np.random.default_rng(0).normal(0, 4, (2, 6, 5, 64)).round().astype("float32")]
    bits = ks.layers.GaussianRate()(indices, indices, qstep=8.0)
    assert bits.shape == (2,) and float(bits[0]) > 0
    ```
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)

    def call(self, indices: Any, unrounded: Any, qstep: Any) -> Any:
        return sum(_gaussian_bits(component) for component in indices)

    def compute_output_spec(self, indices: Any, unrounded: Any, qstep: Any) -> Any:
        return keras.KerasTensor((indices[0].shape[0],), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return super().get_config()  # Keras' own knows nothing of `autocast`


def _gaussian_bits(indices: Any) -> Any:
    rows = ops.cast(ops.shape(indices)[1], "float32")
    centred = indices - ops.mean(indices, axis=1, keepdims=True)
    variance = ops.mean(centred * centred, axis=1)
    spread = variance > 0
    # The square root's slope at 0 is infinite: a safe value there, and no way back through it.
    deviation = ops.sqrt(ops.where(spread, variance, 1.0))
    nats = ops.relu(ops.log(deviation + 2.2e-16) + _HALF_LOG_2_PI_E)
    nats = ops.where(spread, nats, 0.0)
    return rows * ops.sum(nats, axis=(1, 2)) / float(np.log(2.0))


@keras.saving.register_keras_serializable(package="keras_sandwich")
class JpegRate(keras.layers.Layer):
    """The bits that a JPEG file spends on the indices, counted, with a gradient.

    rate = a·n with n = Σ ln(1 + |index|) over all coefficients and a = R·n/(n² + 1), constant for the gradient; R is
    the count of `ops.jpeg_scan_bits` (Guleryuz et al., arXiv 2402.05887, section III; there R comes from files
    written during the step, here from tensor work on the device).

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    indices = [np.random.default_rng(0).normal(0, 2, (2, 6, 5, 64)).round().astype("float32")]
    bits = ks.layers.JpegRate(huffman="standard")(indices, indices, qstep=8.0, image_size=(48, 40))
    exact = ks.ops.jpeg_scan_bits(indices, (48, 40), huffman="standard")
    assert np.allclose(bits, exact, rtol=1e-4)
    ```

    Args:
        huffman: which tables to count with: "entropy" (cheapest), "optimized" or "standard".
        gradient: "quantized": n as above, so a coefficient that was quantized to zero has no gradient;
            "unrounded": n = Σ ln(1 + |c|/step), so every coefficient is pulled towards zero.
        include_header: count the whole file, not the scan alone.
        interleaved: the three channels are one colour scan; otherwise each channel is a grayscale scan.
        chroma_subsampling: of the channels: "4:4:4", "4:2:2" or "4:2:0".

    Raises:
        ValueError: an unknown option.
    """

    def __init__(
        self,
        huffman: str = "entropy",
        gradient: str = "quantized",
        include_header: bool = False,
        interleaved: bool = False,
        chroma_subsampling: str = "4:4:4",
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        require_subsampling(chroma_subsampling)
        require_option(huffman, HUFFMAN, "huffman")
        require_option(gradient, GRADIENTS, "gradient")
        self.huffman = huffman
        self.gradient = gradient
        self.include_header = include_header
        self.interleaved = interleaved
        self.chroma_subsampling = chroma_subsampling

    def call(self, indices: Any, unrounded: Any, qstep: Any, image_size: Any) -> Any:
        # The indices of the real codec, not `indices`, where training may have put noise.
        rounded = [ops.round(ops.stop_gradient(component)) for component in unrounded]
        bits = ops.cast(ops.stop_gradient(self._count(rounded, image_size)), "float32")
        if self.gradient == "quantized":
            n = sum(_of_quantized(*pair) for pair in zip(rounded, unrounded, strict=True))
        else:
            n = sum(ops.sum(ops.log1p(_magnitude(c)), axis=(1, 2, 3)) for c in unrounded)
        slope = ops.stop_gradient(bits * n / (n * n + 1.0))
        return slope * n

    def _count(self, rounded: Any, image_size: Any) -> Any:
        """R, [batch]."""
        if self.interleaved:
            count = jpeg_file_bits if self.include_header else jpeg_scan_bits
            return count(rounded, image_size, self.chroma_subsampling, self.huffman)
        # Channels of one size are counted together.
        height, width = image_size
        down, across = require_subsampling(self.chroma_subsampling)
        sizes = {0: image_size, 1: (-(-height // down), -(-width // across))}
        if down * across == 1:
            groups = {0: rounded}
        else:
            groups = {
                0: rounded[::3],
                1: [c for place, c in enumerate(rounded) if place % 3],
            }
        total = 0
        for kind, components in groups.items():
            if components:
                total = total + separate_bits(
                    components, sizes[kind], self.huffman, self.include_header
                )
        return total

    def compute_output_spec(self, indices: Any, unrounded: Any, qstep: Any, image_size: Any) -> Any:
        return keras.KerasTensor((indices[0].shape[0],), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "huffman": self.huffman,
            "gradient": self.gradient,
            "include_header": self.include_header,
            "interleaved": self.interleaved,
            "chroma_subsampling": self.chroma_subsampling,
        }


def _of_quantized(rounded: Any, unrounded: Any) -> Any:
    """Σ ln(1 + |rounded|) of each image; the gradient by the unrounded is sign(rounded) / (1 + |rounded|)."""
    grown = ops.abs(rounded) + 1.0
    quarter = rounded.shape[-1] // 4
    # Of products of four, as a logarithm takes as long as several of them.
    products: Any = 1.0
    for place in range(4):
        products = products * grown[..., place * quarter : (place + 1) * quarter]
    n = ops.sum(ops.log(products), axis=(1, 2, 3))
    linear = ops.sum(ops.sign(rounded) / grown * unrounded, axis=(1, 2, 3))
    return n + (linear - ops.stop_gradient(linear))


def _magnitude(x: Any) -> Any:
    """|x| with the gradient 0 at 0 on every backend."""
    return x * ops.stop_gradient(ops.sign(x))
