"""How many bits a baseline JPEG spends on given coefficient indices: T.81 F.1.2 as tensor work.

Nothing here has a gradient: these are counts. The rate models of `keras_sandwich.layers` turn them into one.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sandwich._arguments import require_option
from keras_sandwich.ops.chroma import require_subsampling
from keras_sandwich.ops.huffman import SYMBOLS, optimal_bits, standard_bits
from keras_sandwich.ops.shapes import as_tensor, ceil_divide, namespace, take

HUFFMAN = ("standard", "optimized", "entropy")
_SIZES = 32  # that are told apart here; symbols have 16
_PER_OCTAVE = 1.0 / float(np.log(2.0))


def jpeg_scan_bits(
    indices: Any, image_size: Any, chroma_subsampling: str = "4:4:4", huffman: str = "standard"
) -> Any:
    """Bits of the entropy-coded scan of a baseline JPEG that holds these indices.

    One component makes a grayscale scan, three an interleaved colour scan (T.81 A.2.3) in which Cb and Cr share
    their tables. Byte stuffing (0.02 to 0.6 % of a file) and headers are not in it (`jpeg_file_bits`).

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    proxy = ks.layers.JpegProxy()
    image = np.random.default_rng(0).uniform(0, 255, (1, 20, 30, 1)).astype("float32")
    decoded, indices = proxy(image, qstep=16.0)
    bits = ks.ops.jpeg_scan_bits(indices, (20, 30))
    assert 1000 < int(bits[0]) < 10000
    ```

    Args:
        indices: a list of one or three tensors [batch, rows, columns, 64], raster order within a block, or one
            such tensor. A grid larger than the component's own is cropped to ceil(size/8).
        image_size: (height, width) of the picture in pixels.
        chroma_subsampling: of three components: "4:4:4", "4:2:2" or "4:2:0".
        huffman: "standard", the tables of T.81 K.3; "optimized", the tables that libjpeg makes for each picture
            (T.81 K.2); "entropy", an estimate of the latter at a fraction of its cost: 0.2 to 1.6 %
            below it on photographs.

    Returns:
        [batch] int32.

    Raises:
        ValueError: neither one nor three components, one with too few blocks, or an unknown option.
    """
    return _scan_statistics(indices, image_size, chroma_subsampling, huffman)[0]


def jpeg_file_bits(
    indices: Any, image_size: Any, chroma_subsampling: str = "4:4:4", huffman: str = "standard"
) -> Any:
    """Bits of the whole file: `jpeg_scan_bits` padded to bytes, and the JFIF header; all but byte stuffing.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    indices = np.zeros((1, 1, 1, 64), "float32")  # one empty block: a flat grey picture
    assert int(ks.ops.jpeg_file_bits(indices, (8, 8))[0]) == 8 * (330 + 1)
    ```

    Args:
        indices: as in `jpeg_scan_bits`. Three components are taken to have one quantization table for luma and
            one for chroma.
        image_size: (height, width) of the picture in pixels.
        chroma_subsampling: as in `jpeg_scan_bits`.
        huffman: as in `jpeg_scan_bits`.

    Returns:
        [batch] int32.

    Raises:
        ValueError: neither one nor three components, or an unknown option.
    """
    bits, symbols, components = _scan_statistics(indices, image_size, chroma_subsampling, huffman)
    return _file_bits(bits, symbols, components)


def separate_bits(
    components: Any, image_size: Any, huffman: str = "standard", include_header: bool = False
) -> Any:
    """Bits of components of one size, each a grayscale scan, or a file, of its own: their sum, [batch] int32.

    Each is read by itself, since on a CPU what fits its cache takes a fraction of the time; the codes are counted in
    one go.
    """
    grid = (ceil_divide(image_size[0], 8), ceil_divide(image_size[1], 8))
    parts = [
        _read_component(component, number, grid, grid, (1, 1))
        for number, component in enumerate(components)
    ]
    dc, ac, magnitude_bits = (ops.concatenate(part, axis=0) for part in zip(*parts, strict=True))
    bits, symbols = _code_bits({"dc_luma": dc, "ac_luma": ac}, huffman)
    bits = bits + magnitude_bits
    bits = _file_bits(bits, symbols, 1) if include_header else bits
    return ops.sum(ops.reshape(bits, (len(components), -1)), axis=0)


def _file_bits(bits: Any, symbols: Any, components: int) -> Any:
    """Bits of a file from those of its scan and the number of symbols in its Huffman tables."""
    # SOI, APP0, DQT each 69, SOF0, DHT each 21 + its symbols, SOS, EOI (T.81 B.2).
    fixed = 2 + 18 + 69 + 13 + 2 * 21 + 10 + 2
    if components == 3:
        fixed = 2 + 18 + 2 * 69 + 19 + 4 * 21 + 14 + 2
    return (bits + 7) // 8 * 8 + 8 * (fixed + symbols)


def _scan_statistics(
    indices: Any, image_size: Any, chroma_subsampling: str, huffman: str
) -> tuple[Any, Any, int]:
    """Scan bits, distinct symbols that the tables list, number of components."""
    components = list(indices) if isinstance(indices, (list, tuple)) else [indices]
    if len(components) not in (1, 3):
        raise ValueError(
            "A scan has one component (grayscale) or three (colour). "
            f"Received {len(components)}; count other channels as scans of their own."
        )
    require_option(huffman, HUFFMAN, "huffman")
    down, across = require_subsampling(chroma_subsampling) if len(components) == 3 else (1, 1)
    height, width = image_size
    mcus = (ceil_divide(height, 8 * down), ceil_divide(width, 8 * across))
    histograms: dict[str, Any] = {}
    bits = 0
    for number, component in enumerate(components):
        blocks_of_mcu = (down, across) if number == 0 else (1, 1)
        own = (ceil_divide(height, 8), ceil_divide(width, 8)) if number == 0 else mcus
        dc, ac, magnitude_bits = _read_component(component, number, own, mcus, blocks_of_mcu)
        kind = "luma" if number == 0 else "chroma"
        for name, histogram in ((f"dc_{kind}", dc), (f"ac_{kind}", ac)):
            histograms[name] = histograms[name] + histogram if name in histograms else histogram
        bits = bits + magnitude_bits
    code_bits, symbols = _code_bits(histograms, huffman)
    return bits + code_bits, symbols, len(components)


def _code_bits(histograms: dict[str, Any], huffman: str) -> tuple[Any, Any]:
    """Bits of the Huffman codes of the symbols, and how many symbols the tables list; each [batch] int32."""
    if huffman == "standard":
        bits = sum(standard_bits(histogram, name) for name, histogram in histograms.items())
        return bits, ops.zeros_like(bits) + 87 * len(histograms)  # 12 for DC and 162 for AC
    stacked = ops.stack(list(histograms.values()))  # [tables, batch, 256]
    symbols = ops.sum(ops.cast(stacked > 0, "int32"), axis=(0, 2))
    flat = ops.reshape(stacked, (-1, SYMBOLS))
    count = optimal_bits if huffman == "optimized" else entropy_bits
    bits = ops.sum(ops.reshape(count(flat), (len(histograms), -1)), axis=0)
    return (ops.cast(ops.round(bits), "int32") if huffman == "entropy" else bits), symbols


def _read_component(
    component: Any, number: int, own: Any, mcus: Any, blocks_of_mcu: tuple[int, int]
) -> tuple[Any, Any, Any]:
    """DC and AC histograms [batch, 256] and the magnitude bits [batch] of one component, int32."""
    blocks = ops.stop_gradient(as_tensor(component))
    _require_grid(blocks, own, number)
    blocks = blocks[:, : own[0], : own[1]]
    return _component_symbols(blocks, own, _scan_order(own, mcus, *blocks_of_mcu))


def _require_grid(blocks: Any, own: Any, number: int) -> None:
    """ValueError if a component is known to have fewer blocks than its size asks for."""
    shape = tuple(blocks.shape)
    sizes = zip(shape[1:3], own, strict=True)
    known = [
        (got, least) for got, least in sizes if isinstance(got, int) and isinstance(least, int)
    ]
    if len(shape) != 4 or shape[3] != 64 or any(got < least for got, least in known):
        raise ValueError(
            f"Component {number} must be [batch, rows, columns, 64] with at least {own[0]} rows and "
            f"{own[1]} columns of blocks. Received shape {shape}; check `image_size`, (height, "
            "width) of the picture, and `chroma_subsampling`."
        )


def _scan_order(own: Any, mcus: Any, block_rows: int, block_columns: int) -> Any:
    """Which block of the component's own grid stands at each place of the scan.

    An MCU that reaches past the grid is filled with dummy blocks that repeat the DC of the block before them
    (T.81 A.2.4 leaves it free; libjpeg does this): they point at that block.
    """
    rows, columns = own
    xp = namespace(rows, columns, *mcus)
    i = xp.reshape(xp.arange(block_rows, dtype="int32"), (1, 1, block_rows, 1))
    j = xp.reshape(xp.arange(block_columns, dtype="int32"), (1, 1, 1, block_columns))
    row = xp.reshape(xp.arange(mcus[0], dtype="int32"), (-1, 1, 1, 1)) * block_rows + i
    column = xp.reshape(xp.arange(mcus[1], dtype="int32"), (1, -1, 1, 1)) * block_columns + j
    column = xp.where(row >= rows, column - j + block_columns - 1, column + 0 * row)
    row, column = xp.minimum(row, rows - 1), xp.minimum(column, columns - 1)
    return xp.reshape(row * columns + column, (-1,))


def _size_category(values: Any) -> Any:
    """SSSS, the number of bits of |value|: 0 for 0, 1 for 1, 2 for 2 and 3 … (T.81 Table F.1)."""
    # 0.6 keeps clear of how a device rounds a logarithm: 2^k and 2^k − 1 lie on either side of a whole number.
    return ops.floor(ops.log2(ops.abs(values) + 0.6)) + 1.0


def _component_symbols(blocks: Any, own: Any, order: Any) -> tuple[Any, Any, Any]:
    """DC and AC histograms [batch, 256] and the magnitude bits [batch] of one component, int32."""
    places = order.shape[0] if isinstance(order, np.ndarray) else ops.shape(order)[0]
    count = own[0] * own[1]
    blocks = ops.reshape(ops.round(ops.cast(blocks, "float32")), (-1, count, 64))
    dc = take(blocks[:, :, 0], order, 1)
    before = ops.concatenate([ops.zeros_like(dc[:, :1]), dc[:, :-1]], axis=1)
    dc_sizes = _size_category(dc - before)
    dc_histogram = _histogram(dc_sizes, _SIZES)

    magnitudes = ops.abs(blocks)
    sizes = ops.floor(ops.log2(magnitudes + 0.6))  # one less than the size
    nonzero = ops.minimum(magnitudes, 1.0)
    # By place and size; a zero coefficient is counted where the size is 0, and DC where the distance is.
    counts = _histogram(_distances(nonzero) * _SIZES + sizes, 64 * _SIZES, 1)
    counts = ops.reshape(counts, (-1, 64, _SIZES))
    # The long sizes have no symbol of their own.
    size_numbers = ops.arange(_SIZES, dtype="int32")
    magnitude_bits = ops.sum(counts[:, 1:] * size_numbers, axis=(1, 2)) + ops.sum(
        dc_histogram * size_numbers, axis=1
    )
    runs = _limited(counts[:, 1:]) * ops.cast(size_numbers[:16] > 0, "int32")  # [batch, 63, 16]
    run_numbers = ops.arange(63, dtype="int32")
    zrl = ops.sum(runs * (run_numbers // 16)[:, None], axis=(1, 2))
    runs = ops.concatenate([runs, ops.zeros_like(runs[:, :1])], axis=1)
    ac = ops.reshape(ops.sum(ops.reshape(runs, (-1, 4, 16, 16)), axis=1), (-1, SYMBOLS))
    filled = ops.sum(ops.cast(nonzero[:, :, 63], "int32"), axis=1)
    eob = places - filled  # dummy blocks are empty
    symbol = ops.arange(SYMBOLS, dtype="int32")
    ac = ac + eob[:, None] * ops.cast(symbol == 0x00, "int32")
    ac = ac + zrl[:, None] * ops.cast(symbol == 0xF0, "int32")
    dc_symbols = _limited(dc_histogram)
    dc_symbols = ops.concatenate([dc_symbols, ops.zeros_like(ac[:, 16:])], axis=1)
    return dc_symbols, ac, magnitude_bits


def _limited(counts: Any) -> Any:
    """Counts by size, [..., 32], with the sizes that no symbol has counted as 15."""
    return ops.concatenate(
        [counts[..., :15], ops.sum(counts[..., 15:], axis=-1, keepdims=True)], axis=-1
    )


def _places() -> Any:
    """Of each coefficient in the zigzag scan, [64]; no list, which PyTorch's compiler would trace for seconds."""
    xp = namespace()
    raster = xp.arange(64, dtype="int32")
    v, u = raster // 8, raster % 8
    diagonal = v + u
    cut = xp.maximum(diagonal - 7, 0)  # where the block is too small for the whole diagonal
    along = xp.where(diagonal % 2 == 0, u, v)
    return diagonal * (diagonal + 1) // 2 - cut * cut + along


def _distances(nonzero: Any) -> Any:
    """How many places each coefficient lies after the nonzero one before it in the scan, or after DC; DC: 0.

    A sum of powers of 4, one for each nonzero coefficient before, tells the nearest by its logarithm, since all
    the farther ones are together a third of it at most. Zeros, ones and powers of 4 are exact in any precision that
    a device multiplies matrices in, and the matrix knows the scan's order.
    """
    place = ops.convert_to_tensor(_places(), "float32")
    distance = place[None, :] - place[:, None]
    powers = ops.exp2(-2.0 * ops.maximum(distance, 0.0))
    weights = powers * ops.cast(distance > 0, "float32") * ops.cast(place > 0, "float32")[:, None]
    sums = ops.matmul(nonzero, weights) + ops.exp2(-2.0 * place)
    return ops.round(ops.log2(sums) * -0.5)


def _histogram(numbers: Any, bins: int, shift: int = 0) -> Any:
    """How often each whole number from 0, `shift` being added, occurs in the rows: [batch, bins] int32."""
    rows = ops.shape(numbers)[0]
    row = ops.arange(rows, dtype="int32") * bins + shift
    row = ops.reshape(row, (-1, *(1 for _ in numbers.shape[1:])))
    flat = ops.reshape(ops.cast(numbers, "int32") + row, (-1,))
    if keras.backend.backend() == "torch":
        # PyTorch's sums of segments take ten times as long. What is not finite, where training diverged, is negative
        # here: left out, as there.
        counts = ops.bincount(ops.maximum(flat + 1, 0), minlength=rows * bins + 1)[1:]
    else:
        counts = ops.segment_sum(ops.ones_like(flat), flat, num_segments=rows * bins)
    return ops.cast(ops.reshape(counts, (-1, bins)), "int32")


def entropy_bits(histogram: Any) -> Any:
    """Nearly the bits of an optimal Huffman code: the entropy, and at least a bit for a frequent symbol.

    A symbol that is at least half of what is left is a branch of the code tree by itself: everything left takes a bit
    there. The others take their entropy, Σ h·log2(H/h). Without the first part nearly empty pictures, whose DC
    differences are almost all zero, would be counted far too low.

    Args:
        histogram: [batch, 256] int32.

    Returns:
        [batch] float32: on photographs up to 1.6 % below `huffman.optimal_bits`.
    """
    counts = ops.cast(histogram, "float32")
    # The pseudo-symbol that keeps the code of all ones free; PyTorch's compiler breaks behind `ops.pad`.
    counts = ops.concatenate([counts, ops.ones_like(counts[:, :1])], axis=-1)
    # Most frequent first, and what is left from each on.
    rising = ops.sort(counts, axis=-1)
    counts, left = (ops.flip(x, axis=-1) for x in (rising, ops.cumsum(rising, axis=-1)))
    heavy = ops.cumprod(ops.cast(2.0 * counts >= left, "float32"), axis=-1)
    branches = ops.sum(heavy * ops.where(left > 1.0, left, 0.0), axis=-1)
    others = (1.0 - heavy) * counts
    total = ops.maximum(ops.sum(others, axis=-1), 1.0)
    information = others * ops.log(ops.maximum(others, 1.0))
    nats = total * ops.log(total) - ops.sum(information, axis=-1)
    return branches + nats * _PER_OCTAVE
