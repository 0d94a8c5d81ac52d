"""The results of others, in the layouts of CompressAI's files: means over pictures or sequences, by metric."""

from typing import Any

import numpy as np

from keras_sandwich.evaluation.curve import RDCurve
from keras_sandwich.evaluation.quality import MEASURES, Measure

# Its image codecs wrote "psnr" at first, its ffmpeg benchmark "rgb_psnr".
OTHER_NAMES = {
    **{"psnr": "psnr-rgb", "ms-ssim": "ms-ssim-rgb"},
    **{f"{plane}_psnr": f"psnr-{plane}" for plane in ("rgb", "y", "u", "v", "yuv")},
}
# Results that papers give in dB: −10·log10(1 − MS-SSIM).
IN_DECIBELS = ("ms-ssim-db-rgb", "ms-ssim-rgb-db", "ms-ssim-db")
OF_VIDEO = {
    measure.name: measure
    for measure in (
        *(
            Measure(f"psnr-{plane}", label=f"PSNR of {plane.upper()}", unit="dB", decimals=2)
            for plane in ("y", "u", "v", "yuv")
        ),
        *(
            Measure(
                f"ms-ssim-{plane}", label=f"MS-SSIM of {plane.upper()}", decimals=4, similarity=True
            )
            for plane in ("y", "yuv")
        ),
        Measure("vmaf", label="VMAF", decimals=2),
        Measure("mse-rgb", label="MSE", higher_is_better=False, decimals=2),
    )
}
KNOWN = {**MEASURES, **OF_VIDEO}


def curve_of_means(
    content: dict[str, Any], means: dict[str, Any], name: str, pixels_per_second: float = 1.0
) -> RDCurve:
    """A curve of one column from lists by metric, beside "bpp" or, in kbit/s, "bitrate"."""
    qualities = {}
    for given, values in means.items():
        metric = OTHER_NAMES.get(given, given)
        if given in IN_DECIBELS and "ms-ssim-rgb" not in means:
            qualities["ms-ssim-rgb"] = KNOWN["ms-ssim-rgb"].from_scale(numbers(values))
        elif metric in KNOWN:
            qualities[metric] = numbers(values)
    if not qualities:
        raise ValueError(f"no metric of {sorted(KNOWN)} beside {sorted(means)}.")
    given, bits = ("bpp", 1.0) if "bpp" in means else ("bitrate", 1000.0 / pixels_per_second)
    rates = bits * numbers(means[given])
    name = str(content.get("name", name))
    return RDCurve(
        name=name,
        codec=str(content.get("description") or name),
        strengths=range(len(rates)),
        bpp=rates[:, None],
        quality={metric: values[:, None] for metric, values in qualities.items()},
        bits_counted="not said in the file",
        measures=KNOWN,
    )


def numbers(values: Any) -> np.ndarray:
    """A list of numbers, nested or not; ValueError for what is none."""
    array = np.asarray(values)
    if not isinstance(values, list) or array.dtype.kind not in "if":
        raise ValueError(f"expected lists of numbers, received {str(values)[:60]}.")
    return array.astype("float64")
