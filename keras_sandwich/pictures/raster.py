"""The samples of a picture at the depth of its file, and their arithmetic."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

ROWS = 256  # worked on at a time: float copies of a whole picture would take many times its memory


@dataclass(frozen=True)
class Raster:
    """Samples as a file states them.

    Attributes:
        levels: [height, width, 1 for gray, 3 for R, G and B, 4 for C, M, Y and K] in [0, peak]; uint8 or uint16.
        peak: the level that means white.
        alpha: [height, width] in [0, peak], or None where all is opaque.
    """

    levels: np.ndarray
    peak: int = 255
    alpha: np.ndarray | None = None

    @property
    def gray(self) -> bool:
        """Whether it has one channel."""
        return bool(self.levels.shape[-1] == 1)

    def scaled(self, peak: int) -> "Raster":
        """The nearest levels of another peak: of 65535 to 255, v/257 rounded."""
        if peak == self.peak:
            return self
        alpha = None if self.alpha is None else rescale(self.alpha, self.peak, peak)
        return Raster(rescale(self.levels, self.peak, peak), peak, alpha)

    def of_full_range(self) -> "Raster":
        """The levels of a narrow range, 16·2^k to 235·2^k of 8 + k bits, on the whole; alpha always is."""
        unit = (self.peak + 1) / 256
        widened = (np.arange(self.peak + 1) - 16 * unit) * (self.peak / (219 * unit))
        table = np.rint(np.clip(widened, 0, self.peak)).astype(self.levels.dtype)
        return replace(self, levels=table[self.levels])

    def turned(self, orientation: int) -> "Raster":
        """Upright, by the number of an EXIF orientation."""
        turn = TURNS.get(orientation)
        if turn is None:
            return self
        alpha = None if self.alpha is None else turn(self.alpha)
        return replace(self, levels=turn(self.levels), alpha=alpha)

    def opaque(self, background: tuple[int, int, int] | None) -> "Raster":
        """Laid on a colour of 8 bits; ValueError without one for a picture that has transparent pixels."""
        if self.alpha is None or self.alpha.min() == self.peak:
            return replace(self, alpha=None)
        if background is None:
            raise ValueError(
                "it has transparent pixels; give the `background` on which to lay them"
            )
        colour = np.array(background, "float64") * (self.peak / 255)
        laid = np.empty((*self.alpha.shape, 3), self.levels.dtype)
        for start in range(0, len(laid), ROWS):
            rows = slice(start, start + ROWS)
            share = self.alpha[rows, :, None] / self.peak
            laid[rows] = np.rint(self.levels[rows] * share + colour * (1 - share))
        return Raster(laid, self.peak)


def rescale(levels: np.ndarray, peak: int, new_peak: int) -> np.ndarray:
    """Integers in [0, peak] to the nearest in [0, new_peak]."""
    table = np.rint(np.arange(peak + 1) * (new_peak / peak))
    return table.astype("uint8" if new_peak == 255 else "uint16")[levels]


def without_premultiplication(levels: np.ndarray, alpha: np.ndarray, peak: int) -> np.ndarray:
    """The colours of samples that were multiplied by their alpha/peak."""
    colours = np.empty_like(levels)
    for start in range(0, len(levels), ROWS):
        rows = slice(start, start + ROWS)
        share = np.maximum(alpha[rows, :, None], 1) / peak
        colours[rows] = np.minimum(np.rint(levels[rows] / share), peak)
    return colours


# By the number of the EXIF orientation, but 1, which is upright.
TURNS: dict[int, Any] = {
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: p[::-1].swapaxes(0, 1),
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: lambda p: p[:, ::-1].swapaxes(0, 1),
}
