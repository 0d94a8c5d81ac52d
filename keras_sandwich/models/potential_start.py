"""The linear start of normal maps: x and y turned, frequency by frequency, into their potential and what has none.

Most normal maps are the slopes of heights, so that x and y say the same twice: their spectra are those of the heights
times the frequency along x and along y. The Riesz transform turns the two, at each frequency, into the directions along
and across it (the Helmholtz decomposition): along it lies everything, across it, where there is a height map, nothing.
As it only turns them, an error is as large before as after, and decoding turns them back.

The transform's kernels have no end, for the sake of the lowest frequencies. Here those are hardly turned, and the
kernels end: T(ω) = cos φ·I + i·sin φ·S, S the reflection at the direction of ω, and tan φ = |ω|/CUTOFF. T is unitary
for any φ.
"""

import numpy as np

from keras_sandwich.ops.color import RGB_TO_YUV, YUV_TO_RGB

PATCH_SIZE, KERNEL_SIZE = 2, 13  # on patches of pixels, as convolutions of few channels are slow
CUTOFF = 0.25  # radians a pixel: below it x and y go as they are, and with it the kernels fall off
# Of materials, whose other channels would make larger kernels slow.
MATERIAL_KERNEL_SIZE, MATERIAL_CUTOFF = 7, 0.45
# The highest frequencies along one axis, which the samples do not tell from their negatives, are not turned either.
TURNED = 0.75  # of them, the share below which all are
# The square roots of what an error in each plane is worth in renders, over that of the luma: measured by noise on
# generated materials under eight lights (Y 0.35, Cb 0.38, Cr 0.29, x and y 0.7, roughness 0.18, metalness 0.011,
# occlusion 0.002). What of the potential's exceeds the range of a file is clipped, so that its gain stays below the
# measured 1.4.
GAINS = (1.0, 1.0, 0.9, 1.25, 1.25, 0.7, 0.2, 0.1)
GRID = 256  # on which the kernels are computed


def potential_kernels(
    patch_size: int = PATCH_SIZE, kernel_size: int = KERNEL_SIZE, as_luma: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """The kernels before and after a codec of three channels: the potential, the rest, and a plane of nothing.

    Args:
        patch_size: p, of the linear paths.
        kernel_size: of their convolutions, in patches, odd.
        as_luma: they are Y, Cb and Cr of R, G and B; otherwise R, G and B themselves.

    Returns:
        [kernel_size, kernel_size, 2·p², 3·p²] and [kernel_size, kernel_size, 3·p², 2·p²] float32, for x and y (up) in
        R, G and B and back.
    """
    turn = _turning(2 * (kernel_size // 2) * patch_size + 1, CUTOFF)
    # Their adjoint undoes unitary transforms: mirrored, and rows and columns exchanged.
    back = turn[::-1, ::-1].swapaxes(2, 3)
    to_channels, to_planes = (YUV_TO_RGB, RGB_TO_YUV) if as_luma else (np.eye(3), np.eye(3))
    return (
        on_patches(np.einsum("hwio,co->hwic", turn, to_channels[:, :2]), patch_size),
        on_patches(np.einsum("hwoi,oc->hwci", back, to_planes[:2]), patch_size),
    )


def on_patches(kernel: np.ndarray, patch_size: int) -> np.ndarray:
    """A kernel [s, s, in, out] on pixels, s = 2·n·p + 1, as one [2n + 1, 2n + 1, p²·in, p²·out] on patches of p×p."""
    side, _, inputs, outputs = kernel.shape
    p = patch_size
    size = side - 1 + p  # of what all pixels of a patch see, in whole patches
    spread = np.zeros((size, size, inputs, p, p, outputs))
    for y in range(p):
        for x in range(p):
            spread[y : y + side, x : x + side, :, y, x] = kernel
    k = size // p
    spread = spread.reshape(k, p, k, p, inputs, p, p, outputs).transpose(0, 2, 1, 3, 4, 5, 6, 7)
    return spread.reshape(k, k, p * p * inputs, p * p * outputs).astype("float32")


def material_kernels(
    patch_size: int = PATCH_SIZE, kernel_size: int = MATERIAL_KERNEL_SIZE
) -> tuple[np.ndarray, np.ndarray]:
    """The kernels of materials over eight planes: Y, Cb, Cr; potential, the rest, roughness; metalness; occlusion.

    Each plane has the gain that makes errors of all planes equal in renders (`GAINS`).

    Args:
        patch_size: p, of the linear paths.
        kernel_size: of their convolutions, in patches, odd.

    Returns:
        [kernel_size, kernel_size, 8·p², 8·p²] float32, twice.
    """
    side = 2 * (kernel_size // 2) * patch_size + 1
    turn = _turning(side, MATERIAL_CUTOFF)
    before, after = (np.zeros((side, side, 8, 8)) for _ in range(2))
    middle = side // 2
    before[middle, middle] = after[middle, middle] = np.eye(8)
    before[middle, middle, :3, :3] = RGB_TO_YUV.T
    after[middle, middle, :3, :3] = YUV_TO_RGB.T
    before[:, :, 3:5, 3:5] = turn
    after[:, :, 3:5, 3:5] = turn[::-1, ::-1].swapaxes(2, 3)
    return (
        on_patches(before * GAINS, patch_size),
        on_patches(after / np.reshape(GAINS, (8, 1)), patch_size),
    )


def _turning(kernel_size: int, cutoff: float) -> np.ndarray:
    """T as a kernel [k, k, (x, y), (along, across)] of a cross-correlation, as Keras' convolutions are."""
    frequencies = 2.0 * np.pi * np.fft.fftfreq(GRID)
    beyond = np.clip((np.abs(frequencies) / np.pi - TURNED) / (1.0 - TURNED), 0.0, 1.0)
    frequencies = frequencies * np.cos(0.5 * np.pi * beyond) ** 2
    right, up = np.broadcast_arrays(frequencies[None, :], -frequencies[:, None])
    length = np.sqrt(right**2 + up**2 + cutoff**2)
    kept, along_x, along_y = (
        _taps(spectrum, kernel_size)
        for spectrum in (cutoff / length, 1j * right / length, 1j * up / length)
    )
    kernel = np.empty((kernel_size, kernel_size, 2, 2))
    kernel[..., 0, 0], kernel[..., 1, 0] = kept + along_x, along_y
    kernel[..., 0, 1], kernel[..., 1, 1] = along_y, kept - along_x
    return kernel


def _taps(spectrum: np.ndarray, kernel_size: int) -> np.ndarray:
    """The middle of a filter's impulse response, mirrored: for cross-correlation."""
    response = np.fft.fftshift(np.fft.ifft2(spectrum).real)
    half = kernel_size // 2
    middle = slice(GRID // 2 - half, GRID // 2 + half + 1)
    return np.asarray(response[middle, middle][::-1, ::-1])
