"""Small crops of real photographs, and other pictures to test with."""

import functools

import numpy as np

from keras_sandwich.datasets import sample_images


@functools.cache
def _samples() -> np.ndarray:
    return sample_images("test")


def photographs(number: int, height: int, width: int, top: int = 20, left: int = 40) -> np.ndarray:
    """uint8 [number, height, width, 3]: crops of the bundled photographs."""
    return _samples()[:number, top : top + height, left : left + width]


def grayscale(number: int, height: int, width: int, top: int = 20, left: int = 40) -> np.ndarray:
    """uint8 [number, height, width, 1]: the green of `photographs`."""
    return photographs(number, height, width, top, left)[..., 1:2]


def noise(*shape: int, low: float = 0.0, high: float = 255.0, seed: int = 0) -> np.ndarray:
    """float32, uniform."""
    return np.random.default_rng(seed).uniform(low, high, shape).astype("float32")


def decibels(reference: np.ndarray, picture: np.ndarray, peak: float = 255.0) -> float:
    """PSNR of pictures as a file would hold them: the mean over pictures of each one's dB."""
    error = np.asarray(reference, "float64") - np.clip(np.round(picture), 0, peak)
    mse = np.mean(error.reshape(len(error), -1) ** 2, axis=1)
    return float(np.mean(10 * np.log10(peak**2 / mse)))
