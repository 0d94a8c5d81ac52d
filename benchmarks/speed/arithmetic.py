"""Multiply-adds of the networks, what the device can do of them, and the precision of the DCT."""

from typing import Any

import keras
import numpy as np
from keras import ops

import keras_sandwich as ks
from benchmarks.speed.backend import BACKEND, forward, on_accelerator
from benchmarks.speed.timing import interleaved_medians, warm_up


def unet_macs_per_pixel(unet: Any) -> float:
    """Multiply-adds of the convolutions for each pixel of the picture, without biases."""
    n, deepest = unet.convolutions_per_block, len(unet.decoder_filters) - 1
    macs = float(np.prod(unet.output_convolution.kernel.shape))
    for place, convolution in enumerate(unet.encoder):
        macs += float(np.prod(convolution.kernel.shape)) / 4 ** (place // n)
    for place, convolution in enumerate(unet.decoder):
        level = min(unet.poolings, deepest - place // n)
        macs += float(np.prod(convolution.kernel.shape)) / 4**level
    return macs / unet.patch_size**2


def step_operations(model: Any, pixels: int) -> float:
    """Floating-point operations of a training step's convolutions: two a multiply-add, three passes.

    The third pass is the gradient by the kernels; the second, by the images.
    """
    unets = (model.preprocessor.unet, model.postprocessor.unet)
    return 2 * 3 * pixels * sum(unet_macs_per_pixel(unet) for unet in unets)


def matmul_rate() -> float:
    """Operations a second of a large matrix product in the networks' dtype: the measured peak."""
    size = 8192 if on_accelerator() else 2048
    matrix = np.random.default_rng(0).normal(size=(size, size)).astype("float32")
    a = ops.cast(ops.convert_to_tensor(matrix), keras.config.dtype_policy().compute_dtype)
    multiply = forward(lambda x: ops.matmul(x, x), compiled=BACKEND == "jax")

    def product() -> Any:
        return multiply(a)

    warm_up(product)
    return 2 * size**3 / interleaved_medians({"product": product}, rounds=5)["product"]


def dct_errors() -> dict[str, float]:
    """The largest error of DCT and inverse DCT against float64, relative to the largest value.

    float32 gives about 1e-7; a matrix product in TF32 would give 1e-4 to 1e-3, one in bfloat16 about 1e-2.
    """
    sample = np.arange(8)
    matrix = np.cos((2 * sample[None] + 1) * sample[:, None] * np.pi / 16) / 2
    matrix[0] /= np.sqrt(2)
    blocks = np.random.default_rng(0).uniform(-128, 127, (4096, 8, 8))
    coefficients = matrix @ blocks @ matrix.T
    errors = {}
    for name, transform, given, expected in (
        ("dct", ks.ops.dct, blocks, coefficients),
        ("inverse_dct", ks.ops.inverse_dct, coefficients, blocks),
    ):
        run = forward(transform, compiled=BACKEND == "jax")
        result = ops.convert_to_numpy(run(ops.convert_to_tensor(given.astype("float32"))))
        errors[name] = float(np.abs(result - expected).max() / np.abs(expected).max())
    return errors
