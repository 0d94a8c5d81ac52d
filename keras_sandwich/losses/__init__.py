"""Distortions, and the loss of a sandwich."""

from keras_sandwich.losses.rate_distortion import (
    distortion_per_sample,
    range_penalty,
    rate_distortion_cost,
)
from keras_sandwich.losses.structural_similarity import (
    MultiScaleStructuralSimilarity,
    StructuralSimilarity,
)

__all__ = [
    "MultiScaleStructuralSimilarity",
    "StructuralSimilarity",
    "distortion_per_sample",
    "range_penalty",
    "rate_distortion_cost",
]
