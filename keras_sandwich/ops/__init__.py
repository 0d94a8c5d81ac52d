"""Pure functions of tensors: every stage of the codec proxy, on any Keras backend."""

from keras_sandwich.ops.block_matching import match_blocks, vectors_to_flow
from keras_sandwich.ops.blocks import (
    blocks_to_image,
    depth_to_space,
    image_to_blocks,
    pad_to_multiple,
    space_to_depth,
)
from keras_sandwich.ops.chroma import (
    downsample_chroma,
    upsample_chroma,
    yuv_420_to_444,
    yuv_444_to_420,
)
from keras_sandwich.ops.color import rgb_to_yuv, yuv_to_rgb
from keras_sandwich.ops.dct import dct, inverse_dct
from keras_sandwich.ops.dct_resampling import enlarge_by_dct, reduce_by_dct
from keras_sandwich.ops.inter_intra import choose_prediction
from keras_sandwich.ops.jpeg_bits import jpeg_file_bits, jpeg_scan_bits
from keras_sandwich.ops.motion_bits import motion_bits
from keras_sandwich.ops.quality_layers import (
    decode_quality_layers,
    effective_step,
    encode_quality_layers,
)
from keras_sandwich.ops.quantization import ANNEX_K_CHROMA, ANNEX_K_LUMA, quality_to_tables
from keras_sandwich.ops.resampling import bilinear_upsample_2x, resize
from keras_sandwich.ops.rounding import (
    add_uniform_noise,
    clip,
    floor_straight_through,
    round_cubic,
    round_straight_through,
    straight_through,
)
from keras_sandwich.ops.shading import render_material
from keras_sandwich.ops.structural_similarity import ms_ssim, ssim
from keras_sandwich.ops.warping import resize_flow, warp

__all__ = [
    "ANNEX_K_CHROMA",
    "ANNEX_K_LUMA",
    "add_uniform_noise",
    "bilinear_upsample_2x",
    "blocks_to_image",
    "choose_prediction",
    "clip",
    "dct",
    "decode_quality_layers",
    "depth_to_space",
    "downsample_chroma",
    "effective_step",
    "encode_quality_layers",
    "enlarge_by_dct",
    "floor_straight_through",
    "image_to_blocks",
    "inverse_dct",
    "jpeg_file_bits",
    "jpeg_scan_bits",
    "match_blocks",
    "motion_bits",
    "ms_ssim",
    "pad_to_multiple",
    "quality_to_tables",
    "reduce_by_dct",
    "render_material",
    "resize",
    "resize_flow",
    "rgb_to_yuv",
    "round_cubic",
    "round_straight_through",
    "space_to_depth",
    "ssim",
    "straight_through",
    "upsample_chroma",
    "vectors_to_flow",
    "warp",
    "yuv_420_to_444",
    "yuv_444_to_420",
    "yuv_to_rgb",
]
