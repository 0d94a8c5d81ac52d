"""Distortions, and the loss of a sandwich."""

from keras_sandwich.losses.log_squared_error import LogSquaredError
from keras_sandwich.losses.rate_distortion import distortion_per_image, range_penalty

__all__ = ["LogSquaredError", "distortion_per_image", "range_penalty"]
