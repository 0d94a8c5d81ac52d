"""Networks, and the sandwich that they make around a codec."""

from keras_sandwich.models.baselines import (
    create_linear_baseline,
    create_postprocessor_baseline,
    create_preprocessor_baseline,
)
from keras_sandwich.models.builders import create_basic_model, create_loop_filter_model
from keras_sandwich.models.compress_intra import CompressIntraModel
from keras_sandwich.models.compress_video import CompressVideoModel
from keras_sandwich.models.depth_codec import create_depth_codec_model
from keras_sandwich.models.depth_processors import DepthPostprocessor, DepthPreprocessor
from keras_sandwich.models.high_bit_depth_codec import create_high_bit_depth_codec_model
from keras_sandwich.models.loop_filter import LoopFilter
from keras_sandwich.models.material_scenarios import (
    create_material_codec_model,
    create_normal_map_codec_model,
)
from keras_sandwich.models.mlp import MLP
from keras_sandwich.models.processors import Postprocessor, Preprocessor
from keras_sandwich.models.scenarios import (
    create_color_codec_model,
    create_grayscale_codec_model,
    create_lowres_codec_model,
)
from keras_sandwich.models.step_modulation import StepModulation
from keras_sandwich.models.unet import UNet
from keras_sandwich.models.video_builders import create_basic_video_model

__all__ = [
    "MLP",
    "CompressIntraModel",
    "CompressVideoModel",
    "DepthPostprocessor",
    "DepthPreprocessor",
    "LoopFilter",
    "Postprocessor",
    "Preprocessor",
    "StepModulation",
    "UNet",
    "create_basic_model",
    "create_basic_video_model",
    "create_color_codec_model",
    "create_depth_codec_model",
    "create_grayscale_codec_model",
    "create_high_bit_depth_codec_model",
    "create_linear_baseline",
    "create_loop_filter_model",
    "create_lowres_codec_model",
    "create_material_codec_model",
    "create_normal_map_codec_model",
    "create_postprocessor_baseline",
    "create_preprocessor_baseline",
]
