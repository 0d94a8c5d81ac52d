"""A JPEG's picture as the planes and the coefficients that its file holds."""

from collections.abc import Sequence

import numpy as np
from keras import ops

from keras_sandwich.codecs import JPEG
from keras_sandwich.ops.blocks import BLOCK
from keras_sandwich.ops.chroma import SUBSAMPLING
from keras_sandwich.ops.color import CHROMA_CENTRE, RGB_TO_YUV, YUV_TO_RGB
from keras_sandwich.ops.dct import dct_basis
from keras_sandwich.ops.quantization import quality_to_tables

Planes = list[np.ndarray]
_BASIS = dct_basis(BLOCK)


class JpegPlanes:
    """Pictures of one size to a JPEG codec's planes and indices, and gradients by the pixels to those by the indices.

    Only whole blocks have indices here: of a block that the picture's edge cuts, the encoder makes up the rest.

    Args:
        codec: its tables, its colours and its chroma subsampling.
        shape: [height, width, 1 or 3] of the pictures.
    """

    def __init__(self, codec: JPEG, shape: tuple[int, ...]) -> None:
        self.shape = shape
        height, width, channels = shape
        self.transformed = channels == 3 and codec.color_transform
        self.factors = [(1, 1)] * channels
        if self.transformed:
            self.factors[1:] = [SUBSAMPLING[codec.chroma_subsampling]] * 2
        self.sizes = [(-(-height // down), -(-width // across)) for down, across in self.factors]
        self.blocks = [(rows // BLOCK, columns // BLOCK) for rows, columns in self.sizes]
        luma, chroma = _tables(codec)
        self.tables = [luma, *[chroma if self.transformed else luma] * (channels - 1)]
        self.sharing = [[0], [1, 2]] if self.transformed else [list(range(channels))]
        self.scans = [self._scan(number) for number in range(channels)]

    def planes(self, samples: np.ndarray) -> Planes:
        """Samples of [0, 255] as the codec's planes, chroma averaged as libjpeg does, not rounded."""
        pixels = samples.astype("float64")
        if self.transformed:
            pixels = pixels @ RGB_TO_YUV.T
            pixels[..., 1:] += CHROMA_CENTRE
        return [
            _averaged(pixels[..., number], down, across)
            for number, (down, across) in enumerate(self.factors)
        ]

    def indices(self, planes: Planes) -> Planes:
        """The planes' quantized coefficients, [rows, columns, 8, 8] int64 each."""
        return [
            np.round(_BASIS @ (self._cut(plane, number) - 128) @ _BASIS.T / table).astype("int64")
            for number, (plane, table) in enumerate(zip(planes, self.tables, strict=True))
        ]

    def planes_at(self, indices: Planes, planes: Planes) -> Planes:
        """Planes of uint8 that the codec quantizes to these indices; cut blocks are those of `planes`."""
        results = []
        for number, (plane, change) in enumerate(zip(planes, self._inverse(indices), strict=True)):
            result = plane.copy()
            rows, columns = (BLOCK * count for count in self.blocks[number])
            result[:rows, :columns] = change + 128
            results.append(np.clip(np.round(result), 0, 255).astype("uint8"))
        return results

    def pixels(self, changes: Planes) -> np.ndarray:
        """How the decoded picture changes, [height, width, channels], where the indices change by so much."""
        whole = []
        for number, change in enumerate(self._inverse(changes)):
            plane = np.zeros(self.sizes[number])
            plane[: change.shape[0], : change.shape[1]] = change
            whole.append(_enlarged(plane, *self.factors[number])[: self.shape[0], : self.shape[1]])
        picture = np.stack(whole, axis=-1)
        return picture @ YUV_TO_RGB.T if self.transformed else picture

    def by_indices(self, gradient: np.ndarray) -> Planes:
        """The adjoint of `pixels`: a function's gradient by the decoded picture to that by the indices."""
        gradient = np.asarray(gradient, "float64")
        if self.transformed:
            gradient = gradient @ YUV_TO_RGB
        results = []
        for number, ((down, across), table) in enumerate(
            zip(self.factors, self.tables, strict=True)
        ):
            plane = _enlarged_adjoint(gradient[..., number], self.sizes[number], down, across)
            results.append(_BASIS @ self._cut(plane, number) @ _BASIS.T * table)
        return results

    def _inverse(self, indices: Planes) -> Planes:
        return [
            _joined(_BASIS.T @ (plane * table) @ _BASIS)
            for plane, table in zip(indices, self.tables, strict=True)
        ]

    def _cut(self, plane: np.ndarray, number: int) -> np.ndarray:
        rows, columns = self.blocks[number]
        whole = plane[: rows * BLOCK, : columns * BLOCK]
        return whole.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2)

    def _scan(self, number: int) -> np.ndarray:
        """The order of a plane's blocks in an interleaved scan (T.81 A.2.3)."""
        rows, columns = np.indices(self.blocks[number]).reshape(2, -1)
        largest = np.max(self.factors, axis=0)
        down, across = largest // self.factors[number]
        return np.lexsort((columns % across, rows % down, columns // across, rows // down))


def _tables(codec: JPEG) -> np.ndarray:
    """The steps of luma and chroma, [2, 8, 8]."""
    if codec.quality is not None:
        return np.asarray(ops.convert_to_numpy(quality_to_tables(codec.quality)), "float64")
    tables = np.full((1, BLOCK, BLOCK), codec.qstep) if codec.tables is None else codec.tables
    tables = np.asarray(tables, "float64")
    return np.concatenate([tables, tables])[[0, -1]]


def _joined(blocks: np.ndarray) -> np.ndarray:
    rows, columns = blocks.shape[:2]
    return blocks.swapaxes(1, 2).reshape(rows * BLOCK, columns * BLOCK)


def _averaged(plane: np.ndarray, down: int, across: int) -> np.ndarray:
    """Boxes of `down` × `across` samples averaged, the last row and column repeated."""
    height, width = plane.shape
    padded = np.pad(plane, ((0, -height % down), (0, -width % across)), "edge")
    return padded.reshape(-(-height // down), down, -(-width // across), across).mean((1, 3))


def _enlarged(plane: np.ndarray, down: int, across: int) -> np.ndarray:
    """libjpeg's triangle filter ("fancy upsampling"), unrounded."""
    for axis, factor in enumerate((down, across)):
        if factor == 2:
            plane = np.moveaxis(_doubled(np.moveaxis(plane, axis, 0)), 0, axis)
    return plane


def _doubled(rows: np.ndarray) -> np.ndarray:
    padded = np.concatenate([rows[:1], rows, rows[-1:]])
    pair = 0.75 * rows + 0.25 * padded[:-2], 0.75 * rows + 0.25 * padded[2:]
    return np.stack(pair, axis=1).reshape(-1, *rows.shape[1:])


def _enlarged_adjoint(plane: np.ndarray, size: Sequence[int], down: int, across: int) -> np.ndarray:
    """The adjoint of `_enlarged` to planes of a size, whose result was cut."""
    for axis, factor in enumerate((down, across)):
        if factor == 2:
            rows = np.moveaxis(plane, axis, 0)
            rows = np.concatenate([rows, np.zeros((2 * size[axis] - len(rows), *rows.shape[1:]))])
            plane = np.moveaxis(_doubled_adjoint(rows), 0, axis)
    return plane


def _doubled_adjoint(rows: np.ndarray) -> np.ndarray:
    even, odd = rows[::2], rows[1::2]
    result = 0.75 * (even + odd)
    result[:-1] += 0.25 * even[1:]
    result[0] += 0.25 * even[0]
    result[1:] += 0.25 * odd[:-1]
    result[-1] += 0.25 * odd[-1]
    return result
