"""Training with what real codecs decode, and with the bits of their files."""

from keras_sandwich.training.calibration import calibrate_qstep
from keras_sandwich.training.finetuning import finetune_postprocessor
from keras_sandwich.training.loss_scale import calibrate_scale
from keras_sandwich.training.through_codec import train_through_codec

__all__ = ["calibrate_qstep", "calibrate_scale", "finetune_postprocessor", "train_through_codec"]
