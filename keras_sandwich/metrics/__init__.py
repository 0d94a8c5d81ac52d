"""Metrics of pictures and of their bits."""

from keras_sandwich.metrics.image_quality import PSNR
from keras_sandwich.metrics.rate import BitsPerPixel, DistortionRate

__all__ = ["PSNR", "BitsPerPixel", "DistortionRate"]
