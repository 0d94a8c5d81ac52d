"""Keras callbacks for training a sandwich."""

from keras_sandwich.callbacks.bottleneck_images import BottleneckImages
from keras_sandwich.callbacks.codec_evaluation import CodecEvaluation
from keras_sandwich.callbacks.synchronize_epoch import SynchronizeEpoch
from keras_sandwich.callbacks.training_budget import TrainingBudget
from keras_sandwich.callbacks.training_schedule import TrainingSchedule
from keras_sandwich.callbacks.varying_qstep import VaryingQstep

__all__ = [
    "BottleneckImages",
    "CodecEvaluation",
    "SynchronizeEpoch",
    "TrainingBudget",
    "TrainingSchedule",
    "VaryingQstep",
]
