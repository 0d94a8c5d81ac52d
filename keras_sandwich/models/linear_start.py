"""A linear start fitted to pictures, where no classical chain is known for the channel numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import ops

from keras_sandwich.models.classical import fitted_matrices, patch_kernel


def fit_linear_start(model: Any, images: Any) -> None:
    """`CompressIntraModel.fit_linear_start`."""
    if not model.built:
        several = isinstance(images, Mapping)
        model.build({k: np.shape(v) for k, v in images.items()} if several else np.shape(images))
    images = np.asarray(ops.convert_to_numpy(model._concatenate(images)))
    if not np.all(np.isfinite(images)):
        raise ValueError(
            "The pictures must be finite. Received NaN or infinite pixels; "
            "clean the data before fitting to it."
        )
    sides = (model.preprocessor, model.postprocessor)
    if any(getattr(side, "start", None) != "classical" or side.mlp is None for side in sides):
        raise ValueError(
            "A linear start can be fitted only to a Preprocessor and a Postprocessor with "
            "start='classical' and num_mlp_layers of at least 1."
        )
    pre, post = sides
    channels = (pre.output_channels, images.shape[-1])
    if channels[0] >= channels[1] or (channels == (1, 3) and pre.patch_size % 2 == 0):
        raise ValueError(
            "Only a bottleneck with fewer channels than the pictures needs a projection, and one "
            "channel for three starts better from colour carriers. "
            f"Received {channels[0]} for {channels[1]} channels."
        )
    scale = 2.0**model.num_truncate_bits
    p = pre.patch_size
    height, width = (size // p * p for size in images.shape[1:3])
    pixels = (images[:, :height, :width] - 128.0 * scale) / (255.0 * scale)
    projection, restoration = fitted_matrices(pixels, pre.output_channels, p)
    pre.mlp.set_linear(patch_kernel(projection, pre.kernel_size))
    post.mlp.set_linear(patch_kernel(restoration, post.kernel_size))
