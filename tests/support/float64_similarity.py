"""SSIM and MS-SSIM in float64, with two-dimensional windows."""

import numpy as np

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def means(pictures: np.ndarray) -> np.ndarray:
    """Gaussian means [batch, height − 10, width − 10, channels], each window as a whole."""
    bell = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
    window = np.outer(bell, bell) / np.sum(np.outer(bell, bell))
    views = np.lib.stride_tricks.sliding_window_view(pictures, (11, 11), axis=(1, 2))
    return np.einsum("bhwcij,ij->bhwc", views, window)


def float64_similarity(a, b, peak=255.0) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    mean_a, mean_b = means(a), means(b)
    covariance = means(a * b) - mean_a * mean_b
    variances = means(a * a) - mean_a**2 + means(b * b) - mean_b**2
    contrast = (2 * covariance + c2) / (variances + c2)
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return (luminance * contrast).mean((1, 2)), contrast.mean((1, 2))


def float64_ms_ssim(a, b, peak=255.0) -> np.ndarray:
    product = 1.0
    for scale, weight in enumerate(WEIGHTS):
        if scale:
            a, b = (
                np.pad(x, [(0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2), (0, 0)], "edge")
                for x in (np.asarray(a, "float64"), np.asarray(b, "float64"))
            )
            a, b = (
                x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2, -1).mean((2, 4))
                for x in (a, b)
            )
        similarity, contrast = float64_similarity(a, b, peak)
        product = product * np.maximum(similarity if scale == 4 else contrast, 0) ** weight
    return np.mean(product, axis=-1)
