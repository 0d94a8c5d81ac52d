"""Distortions, and the loss of a sandwich."""

from keras_sandwich.losses.rate_distortion import distortion_per_image, range_penalty

__all__ = ["distortion_per_image", "range_penalty"]
