"""What is measured: the codec proxy alone, and a training step."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

import keras_sandwich as ks
from benchmarks.speed.backend import (
    BACKEND,
    forward,
    forward_and_backward,
    on_accelerator,
    on_device,
)

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


EXACT = {"convert_to_yuv": True, "chroma_subsampling": "4:2:0"}


def exact(quick: bool, compiled: bool) -> tuple[int, dict[str, Callable[[], Any]]]:
    """The proxy in both arithmetics, counts with each kind of Huffman tables, and Pillow, on one batch."""
    batch, size = 64 if on_accelerator() else 8, 128 if quick else 256
    host = np.resize(pictures(size, 3), (batch, size, size, 3))
    images = on_device(host)
    functions: dict[str, Callable[[], Any]] = {}
    for arithmetic in ("float", "libjpeg"):
        rate = ks.layers.JpegRate("standard", interleaved=True, chroma_subsampling="4:2:0")
        layer = ks.layers.EncodeDecodeIntra(7.0, rate_model=rate, arithmetic=arithmetic, **EXACT)
        layer.build(tuple(images.shape))
        alone, both = forward(layer, compiled), forward_and_backward(layer, compiled)
        functions[f"{arithmetic}, forward"] = lambda alone=alone: alone(images)
        functions[f"{arithmetic}, forward + backward"] = lambda both=both: both(images)

    indices = ks.layers.JpegProxy(**EXACT, arithmetic="libjpeg")(images, qstep=8)[1]
    for huffman in ("standard", "entropy", "optimized"):
        # A loop on tensors, which torch.compile cannot put into one graph.
        whole = compiled and not (huffman == "optimized" and BACKEND == "torch")

        def count(components: Any, huffman: str = huffman) -> Any:
            return ks.ops.jpeg_scan_bits(components, (size, size), "4:2:0", huffman)

        counted = forward(count, whole)
        functions[f"bits, {huffman}"] = lambda counted=counted: counted(indices)

    codec = ks.codecs.JPEG(qstep=8, chroma_subsampling="4:2:0", optimize=False)
    bytes_of = host.astype("uint8")
    functions["Pillow, encode and decode"] = lambda: [
        codec.decode(codec.encode(image)) for image in bytes_of
    ]
    return batch, functions


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
