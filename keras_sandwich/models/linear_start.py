"""The linear start: linear filters before and after the codec that need no training, as kernels on patches.

Nothing (identity); for three channels over one, chroma modulated on a carrier (on two waves of the highest spatial
frequencies, as colour television had it on a subcarrier) or multiplexed into DCT coefficients (in the place of single
coefficients of the luma); or a projection onto fewer channels, which `fit_linear_start` fits to pictures.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import ops

from keras_sandwich.ops.color import RGB_TO_YUV, YUV_TO_RGB
from keras_sandwich.ops.dct import dct_basis

# Modulated chroma: b = 0.8·Y + ½·(U·(−1)^x + V·(−1)^y). U and V are low-passed, going in and coming out.
LUMA_GAIN = 0.8
CARRIER_GAIN = 0.5
LOW_PASS_SIGMA = 2.0

# Multiplexed chroma, on patches of 16×16 pixels, JPEG's macroblocks: the lowest coefficients of U in a transform of the
# macroblock go into its four blocks' highest horizontal frequencies, V's into the vertical ones. A coefficient that is
# zero costs nothing, and over smooth colours most are.
BLOCK = 8
MACROBLOCK = 16
CHROMA_COEFFICIENTS = sorted(
    ((y, x) for y in range(5) for x in range(5)),
    key=lambda place: (place[0] ** 2 + place[1] ** 2, place),
)[:16]
# Four blocks of each; V has them transposed.
CARRYING_FREQUENCIES = ((0, 6), (0, 7), (1, 6), (1, 7))
BLOCKS_OF_A_MACROBLOCK = ((0, 0), (0, 1), (1, 1), (1, 0))
COEFFICIENT_GAIN = 0.45


def start_kernel(
    input_channels: int, output_channels: int, patch_size: int, kernel_size: int, decode: bool
) -> np.ndarray:
    """The kernel at which the linear path of a Preprocessor, or with `decode` of a Postprocessor, starts.

    Returns:
        [kernel_size, kernel_size, p·p·input_channels, p·p·output_channels] float32, channels of a patch ordered as in
        `ops.space_to_depth`.
    """
    wide, narrow = (
        (output_channels, input_channels) if decode else (input_channels, output_channels)
    )
    if (wide, narrow) == (3, 1) and patch_size == MACROBLOCK:
        return patch_kernel(_multiplexed_chroma(decode), kernel_size)
    if (wide, narrow) == (3, 1) and patch_size % 2 == 0:
        return _modulated_chroma(patch_size, kernel_size, decode)
    if (wide, narrow) == (3, 1):
        forward = RGB_TO_YUV[:1].T
        matrix = np.ones((1, 3)) if decode else forward
    elif narrow >= wide:
        matrix = np.eye(input_channels, output_channels)
    else:
        projection, restoration = _bounded(_random_projection(wide, narrow))
        matrix = restoration if decode else projection
    return patch_kernel(np.kron(np.eye(patch_size**2), matrix), kernel_size)


def fit_linear_start(model: Any, images: Any) -> None:
    """`CompressIntraModel.fit_linear_start`."""
    if not model.built:
        several = isinstance(images, Mapping)
        model.build({k: np.shape(v) for k, v in images.items()} if several else np.shape(images))
    images = np.asarray(ops.convert_to_numpy(model.concatenate(images)))
    if not np.all(np.isfinite(images)):
        raise ValueError(
            "The pictures must be finite. Received NaN or infinite pixels; "
            "clean the data before fitting to it."
        )
    sides = (model.preprocessor, model.postprocessor)
    if any(getattr(side, "start", None) != "linear" or side.mlp is None for side in sides):
        raise ValueError(
            "A linear start can be fitted only to a Preprocessor and a Postprocessor with "
            "start='linear' and num_mlp_layers of at least 1."
        )
    pre, post = sides
    channels = (pre.output_channels, images.shape[-1])
    if channels[0] >= channels[1] or (channels == (1, 3) and pre.patch_size % 2 == 0):
        raise ValueError(
            "Only a bottleneck with fewer channels than the pictures needs a projection, and one "
            "channel for three starts better from modulated chroma. "
            f"Received {channels[0]} for {channels[1]} channels."
        )
    scale = 2.0**model.num_truncate_bits
    p = pre.patch_size
    height, width = (size // p * p for size in images.shape[1:3])
    pixels = (images[:, :height, :width] - 128.0 * scale) / (255.0 * scale)
    projection, restoration = fitted_matrices(pixels, pre.output_channels, p)
    pre.mlp.set_linear(patch_kernel(projection, pre.kernel_size))
    post.mlp.set_linear(patch_kernel(restoration, post.kernel_size))


def patch_kernel(matrix: np.ndarray, kernel_size: int) -> np.ndarray:
    """A kernel whose centre is a matrix [patch channels in, patch channels out] and the rest zero."""
    kernel = np.zeros((kernel_size, kernel_size, *matrix.shape), "float32")
    kernel[kernel_size // 2, kernel_size // 2] = matrix
    return kernel


def fitted_matrices(
    images: np.ndarray, bottleneck_channels: int, patch_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """The projection of p×p patches that loses least on these pictures, and its inverse.

    Of all bases of the principal subspace, the one nearest to a projection of single pixels, so that the bottleneck
    still looks like a picture and codes like one.

    Args:
        images: normalised pixels [number, height, width, channels], heights and widths multiples of p.
        bottleneck_channels: fewer than `channels`.
        patch_size: p.

    Returns:
        projection [p·p·channels, p·p·bottleneck_channels] and restoration, transposed shape.
    """
    p, channels = patch_size, images.shape[-1]
    n, height, width, _ = images.shape
    patches = images.reshape(n, height // p, p, width // p, p, channels).transpose(0, 1, 3, 2, 4, 5)
    patches = patches.reshape(-1, p * p * channels).astype("float64")
    second_moment = patches.T @ patches / len(patches)
    basis = np.linalg.eigh(second_moment)[1][:, ::-1][:, : p * p * bottleneck_channels]
    pixels = images.reshape(-1, channels).astype("float64")
    pixel_basis = np.linalg.eigh(pixels.T @ pixels / len(pixels))[1][:, ::-1]
    pixel_basis = pixel_basis[:, :bottleneck_channels]
    pixel_basis = pixel_basis * np.where(pixel_basis.sum(axis=0) < 0, -1.0, 1.0)
    left, _, right = np.linalg.svd(basis.T @ np.kron(np.eye(p * p), pixel_basis))
    return _bounded(basis @ left @ right)


def _bounded(projection: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scales orthonormal columns so that [−½, ½] maps into itself; also returns the inverse."""
    gain = 1.0 / np.abs(projection).sum(axis=0)
    return projection * gain, projection.T / gain[:, None]


def _random_projection(wide: int, narrow: int) -> np.ndarray:
    """The same orthonormal columns on both sides of the codec."""
    generator = np.random.default_rng([wide, narrow])
    return np.asarray(np.linalg.qr(generator.normal(size=(wide, narrow)))[0])


def _low_pass(offsets: np.ndarray) -> np.ndarray:
    """A Gaussian over the offsets that a kernel reaches, of sum 1."""
    weights = np.exp(-0.5 * (offsets / LOW_PASS_SIGMA) ** 2)
    return weights / weights.sum()


def _modulated_chroma(patch_size: int, kernel_size: int, decode: bool) -> np.ndarray:
    """Modulated chroma: [k, k, p·p·3, p·p] to modulate, [k, k, p·p, p·p·3] with `decode`."""
    p, radius = patch_size, kernel_size // 2 * patch_size
    size = kernel_size * p
    first = -(kernel_size // 2) * p  # pixel, relative to the patch, of the kernel's first row
    positions = np.arange(size) + first
    yuv_of_rgb, rgb_of_yuv = RGB_TO_YUV, YUV_TO_RGB
    channels = (1, 3) if decode else (3, 1)
    kernel = np.zeros((size, size, channels[0], p, p, channels[1]))
    for y in range(p):
        for x in range(p):
            dy, dx = positions - y, positions - x
            inside_y = np.abs(dy) <= radius if radius else np.ones(size, bool)
            inside_x = np.abs(dx) <= radius if radius else np.ones(size, bool)
            low = np.zeros((size, size))
            low[np.ix_(inside_y, inside_x)] = np.outer(
                _low_pass(dy[inside_y]), _low_pass(dx[inside_x])
            )
            here = np.outer(dy == 0, dx == 0).astype(float)
            carrier_u, carrier_v = (-1.0) ** x, (-1.0) ** y
            if not decode:
                kernel[:, :, :, y, x, 0] = (
                    LUMA_GAIN * here[:, :, None] * yuv_of_rgb[0]
                    + CARRIER_GAIN * carrier_u * low[:, :, None] * yuv_of_rgb[1]
                    + CARRIER_GAIN * carrier_v * low[:, :, None] * yuv_of_rgb[2]
                )
                continue
            u_wave = low * (-1.0) ** positions[None, :]
            v_wave = low * (-1.0) ** positions[:, None]
            luma = (here - carrier_u * u_wave - carrier_v * v_wave) / LUMA_GAIN
            yuv = np.stack([luma, u_wave / CARRIER_GAIN, v_wave / CARRIER_GAIN], axis=-1)
            kernel[:, :, 0, y, x, :] = yuv @ rgb_of_yuv.T
    k = kernel_size
    kernel = kernel.reshape(k, p, k, p, channels[0], p, p, channels[1])
    kernel = kernel.transpose(0, 2, 1, 3, 4, 5, 6, 7)
    return kernel.reshape(k, k, p * p * channels[0], p * p * channels[1]).astype("float32")


def _multiplexed_chroma(decode: bool) -> np.ndarray:
    """Multiplexed chroma: [256·3, 256] to put it among the luma's coefficients, [256, 256·3] with `decode`."""
    chroma = np.stack(
        [_wave(MACROBLOCK, *frequencies).ravel() for frequencies in CHROMA_COEFFICIENTS]
    )
    luma = np.eye(MACROBLOCK**2)
    sent = []
    for channel in (0, 1):
        places = np.zeros((len(CHROMA_COEFFICIENTS), MACROBLOCK, MACROBLOCK))
        for number, carrier in enumerate(places):
            frequencies = CARRYING_FREQUENCIES[number // 4]
            row, column = (BLOCK * k for k in BLOCKS_OF_A_MACROBLOCK[(number + 2 * channel) % 4])
            carrier[row : row + BLOCK, column : column + BLOCK] = _wave(
                BLOCK, *(frequencies[::-1] if channel else frequencies)
            )
        carriers = places.reshape(len(places), -1)
        luma -= carriers.T @ carriers
        sent.append(chroma.T @ carriers)
    if decode:
        parts = np.stack([luma, *(matrix.T / COEFFICIENT_GAIN for matrix in sent)])
        return np.einsum("cij,kc->ijk", parts, YUV_TO_RGB).reshape(MACROBLOCK**2, -1)
    parts = np.stack([luma, *(matrix * COEFFICIENT_GAIN for matrix in sent)])
    return np.einsum("cij,ck->ikj", parts, RGB_TO_YUV).reshape(-1, MACROBLOCK**2)


def _wave(size: int, vertical: int, horizontal: int) -> np.ndarray:
    """A basis function of the orthonormal DCT."""
    basis = dct_basis(size)
    return np.outer(basis[vertical], basis[horizontal])
