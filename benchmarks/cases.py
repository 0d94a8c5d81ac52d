"""What is measured: the codec proxy alone, and a training step."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

import keras_sandwich as ks
from benchmarks.backend import forward, forward_and_backward, on_device

RATES = ("gaussian", "jpeg")
PROXY_SIZES: dict[str, tuple[int, int, dict[str, Any]]] = {
    "8×128×128×1": (128, 1, {}),
    "8×256×256×3": (256, 3, {}),
    "8×256×256×3 YUV 4:2:0": (256, 3, {"convert_to_yuv": True, "chroma_subsampling": "4:2:0"}),
}
SMALL = {
    "encoder_filters": (32, 64),
    "decoder_filters": (128, 64, 32),
    "unet_patch_size": 2,
}


def pictures(size: int, channels: int) -> np.ndarray:
    """A batch of eight of the bundled photographs, float32."""
    photographs = np.resize(ks.datasets.sample_images("train"), (8, 256, 256, 3))
    return np.ascontiguousarray(photographs[:, :size, :size, :channels], "float32")


def proxy(
    size: int, channels: int, options: dict[str, Any], rate: str, compiled: bool
) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """The proxy's forward pass, and its forward and backward pass."""
    layer = ks.layers.EncodeDecodeIntra(qstep_init=7.0, rate_model=rate, **options)
    images = on_device(pictures(size, channels))
    layer.build(tuple(images.shape))
    alone, both = forward(layer, compiled), forward_and_backward(layer, compiled)
    return lambda: alone(images), lambda: both(images)


def sandwich(quick: bool) -> Any:
    """The sandwich that `create_basic_model` makes by default; a small one if `quick`."""
    model = ks.models.create_basic_model(**(SMALL if quick else {}))
    model.build((None, 128, 128, 3))
    return model


def train_step(model: Any, compiled: bool) -> Callable[[], Any]:
    """One step of Adam on a batch of 8×128×128×3."""
    model.compile(keras.optimizers.Adam(1e-4), jit_compile=compiled)
    images = pictures(128, 3)
    return lambda: model.train_on_batch(images)
