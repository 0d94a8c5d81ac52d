"""How good one decoded picture is: the measures that a curve can hold, and their names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_sandwich.ops.color import RGB_TO_YUV
from keras_sandwich.ops.structural_similarity import LEAST_SIDE, WINDOW, multi_scale, single_scale

LEAST_ERROR = 1e-6  # equal pictures: one pixel in a million off by one, or 60 dB of SSIM


@dataclass(frozen=True)
class Measure:
    """A measure of quality: [height, width, channels] twice and their peak to a number, larger is better."""

    label: str
    function: Callable[[np.ndarray, np.ndarray, float], float]
    decimals: int
    least_side: int = 1


def psnr(target: np.ndarray, picture: np.ndarray, peak: float) -> float:
    """dB over all pixels and channels."""
    error = np.subtract(target, picture, dtype="float64")
    return float(10.0 * np.log10(peak**2 / max(float(np.mean(error * error)), LEAST_ERROR)))


def luma_psnr(target: np.ndarray, picture: np.ndarray, peak: float) -> float:
    """dB of Y, BT.601; a picture of one channel is its own luma."""
    if target.shape[-1] not in (1, 3):
        raise ValueError(
            "'psnr-luma' needs pictures of 1 or 3 channels. "
            f"Received {target.shape[-1]}; leave it out of `metrics`."
        )
    if target.shape[-1] == 3:
        target, picture = target @ RGB_TO_YUV[0], picture @ RGB_TO_YUV[0]
    return psnr(target, picture, peak)


def _by_channel(function: Callable[..., Any]) -> Callable[[np.ndarray, np.ndarray, float], float]:
    """The mean over channels, one after the other, since a large picture's maps take much memory.

    In NumPy: what is measured does not depend on the backend, and nothing is compiled anew for a picture's size.
    """

    def measure(target: np.ndarray, picture: np.ndarray, peak: float) -> float:
        values = []
        for channel in range(target.shape[-1]):
            pair = (x[None, ..., channel, None].astype("float32") for x in (target, picture))
            a, b = (x / np.float32(peak) - np.float32(0.5) for x in pair)
            values.append(function(a, b, np)[0])
        return float(np.mean(values))

    return measure


MEASURES = {
    "psnr-rgb": Measure("PSNR", psnr, 2),
    "psnr-luma": Measure("PSNR of the luma", luma_psnr, 2),
    "ssim-rgb": Measure("SSIM", _by_channel(single_scale), 4, WINDOW),
    "ms-ssim-rgb": Measure("MS-SSIM", _by_channel(multi_scale), 4, LEAST_SIDE),
}


def measures(metrics: Sequence[str], pictures: Sequence[np.ndarray]) -> dict[str, Measure]:
    """The measures of these names; ValueError for an unknown one, or pictures too small for one."""
    metrics = [metrics] if isinstance(metrics, str) else list(metrics)
    unknown = [name for name in metrics if name not in MEASURES]
    if unknown or not metrics:
        raise ValueError(f"`metrics` must be some of {tuple(MEASURES)}. Received {metrics}.")
    for name in metrics:
        least = MEASURES[name].least_side
        small = [p.shape[:2] for p in pictures if min(p.shape[:2]) < least]
        if small:
            raise ValueError(
                f"'{name}' needs pictures of at least {least}×{least} pixels. "
                f"Received {small[0][0]}×{small[0][1]}; leave it out of `metrics`."
            )
    return {name: MEASURES[name] for name in metrics}


def label(metric: str) -> str:
    """What a measure is called in tables and on axes."""
    return MEASURES[metric].label if metric in MEASURES else metric


def is_similarity(metric: str) -> bool:
    """Whether a measure ends at 1, and is shown as −10·log10(1 − x) dB where dB are meant."""
    return "ssim" in metric
