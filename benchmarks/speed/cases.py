"""What is measured: the codec proxy alone, JPEG as an augmentation, and a training step."""

from collections.abc import Callable
from importlib.util import find_spec
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

# What the published TensorFlow code does: three channels, each coded alone, with the JPEG rate.
PUBLISHED = ("8×256×256×3", "jpeg")
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
    if BACKEND == "torch" and find_spec("kornia") is not None:
        functions |= kornia(images)
    return batch, functions


def kornia(images: Any) -> dict[str, Callable[[], Any]]:
    """Another differentiable JPEG, 4:2:0 too, which counts no bits."""
    import torch
    from kornia.enhance import jpeg_codec_differentiable

    planes = (images / 255.0).permute(0, 3, 1, 2).contiguous()
    quality = torch.tensor([75.0], device=planes.device)

    def both() -> Any:
        given = planes.detach().requires_grad_(True)
        decoded = jpeg_codec_differentiable(given, quality)
        return torch.autograd.grad(0.5 * (decoded * decoded).sum(), given)

    return {
        "kornia, forward": torch.no_grad()(lambda: jpeg_codec_differentiable(planes, quality)),
        "kornia, forward + backward": both,
    }


def augmentations(quick: bool) -> tuple[int, dict[str, Callable[[], Any]]]:
    """`RandomJpeg`, a random layer of Keras and Pillow on the same pictures, as a training runs them."""
    host = pictures(128 if quick else 256, 3).astype("uint8")
    images = on_device(host)
    jitter = keras.layers.RandomColorJitter((0, 255), 0.2, 0.2, (0.3, 0.7), 0.1, seed=0)
    layers = {
        "RandomJpeg": ks.layers.RandomJpeg(seed=0),
        'RandomJpeg, arithmetic="float"': ks.layers.RandomJpeg(arithmetic="float", seed=0),
        "keras.layers.RandomColorJitter": jitter,
    }
    functions: dict[str, Callable[[], Any]] = {}
    for name, layer in layers.items():
        layer.build(host.shape)
        state = [v.value for v in layer.non_trainable_variables]

        def augment(images: Any, layer: Any = layer, state: Any = state) -> Any:
            if BACKEND == "jax":  # which may not change the seed's state within a program
                return layer.stateless_call([], state, images, training=True)[0]
            return layer(images, training=True)

        call = forward(augment, compiled=BACKEND == "jax")
        functions[name] = lambda call=call: call(images)
    qualities = np.random.default_rng(0).integers(30, 96, len(host))
    codecs = [ks.codecs.JPEG(quality=int(quality)) for quality in qualities]
    functions["Pillow, encode and decode"] = lambda: [
        codec.decode(codec.encode(image)) for codec, image in zip(codecs, host, strict=True)
    ]
    return len(host), functions


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
