"""LPIPS in float64 NumPy, and files of small random weights for it."""

import numpy as np

SIDES = (11, 5, 3, 3, 3)


def random_weights(widths=(4, 5, 6, 5, 4), seed=0) -> dict[str, np.ndarray]:
    """By the names of the file; biases below 0, so that many activations are 0."""
    random, arrays, channels = np.random.default_rng(seed), {}, 3
    for k, (side, width) in enumerate(zip(SIDES, widths, strict=True)):
        deviation = (2 / (side * side * channels)) ** 0.5
        arrays[f"AlexNet_0/Conv_{k}/kernel"] = random.normal(
            0, deviation, (side, side, channels, width)
        ).astype("float32")
        arrays[f"AlexNet_0/Conv_{k}/bias"] = random.uniform(-0.3, 0.1, width).astype("float32")
        arrays[f"NetLinLayer_{k}/Conv_0/kernel"] = random.uniform(0, 1, (1, 1, width, 1)).astype(
            "float32"
        )
        channels = width
    return arrays


def convolve(x, kernel, stride, padding):
    x = np.pad(x, [(0, 0), (padding, padding), (padding, padding), (0, 0)])
    side = kernel.shape[0]
    windows = np.lib.stride_tricks.sliding_window_view(x, (side, side), axis=(1, 2))
    return np.einsum("bhwcij,ijco->bhwo", windows[:, ::stride, ::stride], kernel, optimize=True)


def largest(x):
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    return windows[:, ::2, ::2].max((-2, -1))


def float64_lpips(a, b, arrays, peak=255.0) -> np.ndarray:
    """[batch], of pictures [batch, height, width, 3]."""
    arrays = {name: array.astype("float64") for name, array in arrays.items()}
    total = np.zeros(len(a))
    x, y = (
        (2 * np.asarray(picture, "float64") / peak - 1 - [-0.030, -0.088, -0.188])
        / [0.458, 0.448, 0.450]
        for picture in (a, b)
    )
    for k in range(5):
        kernel, bias = (arrays[f"AlexNet_0/Conv_{k}/{part}"] for part in ("kernel", "bias"))
        if k in (1, 2):  # torchvision: after the first and second ReLU
            x, y = largest(x), largest(y)
        x, y = (
            np.maximum(convolve(z, kernel, 4 if k == 0 else 1, (2, 2, 1, 1, 1)[k]) + bias, 0)
            for z in (x, y)
        )
        u, v = (z / (np.linalg.norm(z, axis=-1, keepdims=True) + 1e-10) for z in (x, y))
        head = arrays[f"NetLinLayer_{k}/Conv_0/kernel"][0, 0, :, 0]
        total += ((u - v) ** 2 @ head).mean((1, 2))
    return total
