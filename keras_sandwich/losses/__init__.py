"""Distortions, and the loss of a sandwich."""

from keras_sandwich.losses.rate_distortion import (
    distortion_per_sample,
    range_penalty,
    rate_distortion,
)

__all__ = ["distortion_per_sample", "range_penalty", "rate_distortion"]
