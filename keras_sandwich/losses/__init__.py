"""Distortions, and the loss of a sandwich."""

from keras_sandwich.losses.feature_distance import FeatureDistance
from keras_sandwich.losses.lpips import LPIPS
from keras_sandwich.losses.normal_angle_error import NormalAngleError
from keras_sandwich.losses.rate_distortion import (
    distortion_per_sample,
    in_decibels,
    range_penalty,
    rate_distortion_cost,
)
from keras_sandwich.losses.shading_error import ShadingError
from keras_sandwich.losses.structural_similarity import (
    MultiScaleStructuralSimilarity,
    StructuralSimilarity,
)
from keras_sandwich.losses.weighted_sum import WeightedSum

__all__ = [
    "LPIPS",
    "FeatureDistance",
    "MultiScaleStructuralSimilarity",
    "NormalAngleError",
    "ShadingError",
    "StructuralSimilarity",
    "WeightedSum",
    "distortion_per_sample",
    "in_decibels",
    "range_penalty",
    "rate_distortion_cost",
]
