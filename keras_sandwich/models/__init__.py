"""Networks, and the sandwich that they make around a codec."""

from keras_sandwich.models.builders import create_basic_model
from keras_sandwich.models.fingerprint import fingerprint
from keras_sandwich.models.loop_filter import LoopFilter, create_loop_filter_model
from keras_sandwich.models.mlp import MLP
from keras_sandwich.models.processors import Postprocessor, Preprocessor
from keras_sandwich.models.samples import from_samples, to_samples
from keras_sandwich.models.sandwich import CompressIntraModel
from keras_sandwich.models.tiling import postprocess_picture, preprocess_picture
from keras_sandwich.models.unet import UNet

__all__ = [
    "MLP",
    "CompressIntraModel",
    "LoopFilter",
    "Postprocessor",
    "Preprocessor",
    "UNet",
    "create_basic_model",
    "create_loop_filter_model",
    "fingerprint",
    "from_samples",
    "postprocess_picture",
    "preprocess_picture",
    "to_samples",
]
