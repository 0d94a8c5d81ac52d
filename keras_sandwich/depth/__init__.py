"""Depth maps: their files, their holes, the codings that others use, and how far a restored one is off. No Keras."""

from keras_sandwich.depth.codings import (
    decode_hue,
    decode_levels,
    decode_triangle_wave,
    encode_hue,
    encode_levels,
    encode_triangle_wave,
    join_bytes,
    split_bytes,
)
from keras_sandwich.depth.holes import fill_holes
from keras_sandwich.depth.loading import load_depth
from keras_sandwich.depth.measures import end_point_error, inverse_depth_psnr, share_off

__all__ = [
    "decode_hue",
    "decode_levels",
    "decode_triangle_wave",
    "encode_hue",
    "encode_levels",
    "encode_triangle_wave",
    "end_point_error",
    "fill_holes",
    "inverse_depth_psnr",
    "join_bytes",
    "load_depth",
    "share_off",
    "split_bytes",
]
