"""Counts of bits against files that libjpeg wrote."""

import io

import numpy as np
import pytest
from autodiff import BACKEND, run, to_numpy
from jpeg_scan_reader import read_scan
from photographs import grayscale, noise, photographs
from PIL import Image

import keras_sandwich as ks
from keras_sandwich.ops.huffman import optimal_bits
from keras_sandwich.ops.jpeg_bits import entropy_bits
from keras_sandwich.ops.quantization import ZIGZAG

MODES = ("grayscale", "4:4:4", "4:2:2", "4:2:0")
SIZES = ((1, 1), (8, 8), (17, 33), (40, 23))


def save(picture, optimize, mode="grayscale", **options):
    if mode != "grayscale":
        options["subsampling"] = mode
    buffer = io.BytesIO()
    image = Image.fromarray(picture[..., 0] if mode == "grayscale" else picture)
    image.save(buffer, "JPEG", optimize=optimize, **options)
    return buffer.getvalue()


def pictures(height, width, mode):
    """A photograph, noise, and a flat picture with one bright spot."""
    flat = np.full((height, width, 3), 90, "uint8")
    flat[height // 2, width // 2] = 250
    made = [
        photographs(1, height, width)[0],
        noise(height, width, 3, seed=height).astype("uint8"),
        flat,
    ]
    return [picture[..., :1] if mode == "grayscale" else picture for picture in made]


QUANTIZATIONS = [{"quality": 4}, {"quality": 92}] + [
    {"qtables": [[step] * 64]} for step in (1, 16, 90)
]


@pytest.mark.parametrize("optimize", [False, True], ids=["standard", "optimized"])
@pytest.mark.parametrize("mode", MODES)
def test_scan_bits_are_those_of_the_file(mode, optimize):
    subsampling = "4:4:4" if mode == "grayscale" else mode
    huffman = "optimized" if optimize else "standard"
    for height, width in SIZES:
        files = [
            save(picture, optimize, mode, **quantization)
            for picture in pictures(height, width, mode)
            for quantization in QUANTIZATIONS
        ]
        scans = [read_scan(file) for file in files]
        indices = [np.stack(grids) for grids in zip(*(scan.indices for scan in scans), strict=True)]
        indices = [grids.astype("float32") for grids in indices]
        bits = to_numpy(ks.ops.jpeg_scan_bits(indices, (height, width), subsampling, huffman))
        assert bits.tolist() == [scan.bits for scan in scans], (height, width)
        whole = to_numpy(ks.ops.jpeg_file_bits(indices, (height, width), subsampling, huffman))
        # Grayscale files repeat no table; colour ones with one flat table write it once.
        tables = [
            0
            if mode == "grayscale" or "qtables" not in QUANTIZATIONS[n % len(QUANTIZATIONS)]
            else 1
            for n in range(len(files))
        ]
        expected = [
            8 * (len(file) - scan.stuffed_bytes + 69 * saved)
            for file, scan, saved in zip(files, scans, tables, strict=True)
        ]
        assert whole.tolist() == expected, (height, width)


def test_a_padded_grid_is_cropped_to_the_component():
    picture = photographs(1, 17, 33)[0]
    scan = read_scan(save(picture, False, "4:2:0", quality=80))
    indices = [grid[None].astype("float32") for grid in scan.indices]
    padded = [
        np.pad(grid, ((0, 0), (0, 3), (0, 2), (0, 0)), constant_values=7.0) for grid in indices
    ]
    assert to_numpy(ks.ops.jpeg_scan_bits(padded, (17, 33), "4:2:0")).tolist() == [scan.bits]


def test_codes_longer_than_sixteen_bits_are_shortened_as_libjpeg_does():
    # Each symbol is just more frequent than all the rarer ones but the last: the deepest of codes.
    # A block holds one symbol; a pseudo-symbol of count 1 is rarer still.
    counts = [1]
    while len(counts) < 17:
        counts.append(2 + sum(counts[:-1]))
    blocks = []
    for symbol, count in enumerate(counts):
        coefficients = np.zeros(64)
        coefficients[ZIGZAG[1 + symbol % 16]] = 16.0 * (1 + 2 * (symbol // 16))
        blocks += [coefficients.reshape(8, 8)] * count
    columns = 64
    blocks += [np.zeros((8, 8))] * (-len(blocks) % columns)
    k = np.arange(8)
    basis = np.cos((2 * k[None] + 1) * k[:, None] * np.pi / 16) / 2
    basis[0] /= np.sqrt(2)
    pixels = basis.T @ np.stack(blocks) @ basis + 128
    rows = len(blocks) // columns
    picture = pixels.reshape(rows, columns, 8, 8).transpose(0, 2, 1, 3).reshape(8 * rows, -1)
    file = save(picture.round().astype("uint8")[..., None], True, qtables=[[16] * 64])
    scan = read_scan(file)
    assert max(scan.code_lengths[16].values()) == 16  # the limit was reached
    bits = ks.ops.jpeg_scan_bits(
        scan.indices[0][None].astype("float32"), picture.shape, huffman="optimized"
    )
    assert to_numpy(bits).tolist() == [scan.bits]


def branches_and_entropy(histogram):
    """A bit for all that is left at each symbol that is half of it; the entropy of the others."""
    left = sorted([count for count in map(int, histogram) if count] + [1], reverse=True)
    bits = 0
    while len(left) > 1 and 2 * left[0] >= sum(left):
        bits += sum(left)
        left.pop(0)
    return bits - sum(count * np.log2(count / sum(left)) for count in left)


def test_entropy_with_a_bit_for_each_frequent_symbol():
    skewed = [900, 50, 0, 40, 5, *[1] * 9, *[0] * 242]
    counts = np.stack(
        [np.ones(256), np.eye(256)[77] * 9, np.zeros(256), np.arange(256) % 3, skewed]
    )
    counts = counts.astype("int32")
    expected = [branches_and_entropy(row) for row in counts]
    np.testing.assert_allclose(to_numpy(entropy_bits(counts)), expected, rtol=1e-5, atol=1e-2)
    assert expected[-1] == pytest.approx(int(to_numpy(optimal_bits(counts[-1:]))[0]), rel=0.01)


@pytest.mark.parametrize("subsampling", ["grayscale", "4:4:4", "4:2:0"])
def test_entropy_is_within_two_percent_of_optimized(subsampling):
    """Also where nearly all coefficients are zero."""
    images = photographs(6, 128, 128)
    options = {"convert_to_yuv": True, "chroma_subsampling": subsampling}
    if subsampling == "grayscale":
        images, options = images[..., 1:2], {}
    proxy = ks.layers.JpegProxy(**options)
    chroma = options.get("chroma_subsampling", "4:4:4")
    for step in (2.0, 8.0, 32.0, 64.0):
        _, indices = proxy(images, qstep=step)
        optimized, entropy = (
            to_numpy(ks.ops.jpeg_scan_bits(indices, (128, 128), chroma, huffman)).astype(float)
            for huffman in ("optimized", "entropy")
        )
        np.testing.assert_allclose(entropy, optimized, rtol=0.02)


def test_float_indices_count_like_the_file():
    images = grayscale(4, 128, 128)
    for step in (8, 24):
        files = [read_scan(save(image, True, qtables=[[step] * 64])).bits for image in images]
        _, indices = ks.layers.JpegProxy()(images, qstep=float(step))
        bits = to_numpy(ks.ops.jpeg_scan_bits(indices, (128, 128), huffman="optimized"))
        np.testing.assert_allclose(bits, files, rtol=0.01)


@pytest.mark.parametrize("huffman", ["standard", "entropy", "optimized"])
def test_compiled_counts_are_the_same(huffman):
    if BACKEND == "torch" and huffman == "optimized":
        pytest.skip("a while loop on tensors breaks torch.compile's graph")
    indices = [noise(2, 3, 5, 64, low=-4, high=4, seed=s).round() for s in range(3)]

    def count(*components):
        return ks.ops.jpeg_scan_bits(list(components), (20, 35), "4:4:4", huffman)

    assert run(count, *indices).tolist() == run(count, *indices, compile=True).tolist()


@pytest.mark.parametrize(
    ("indices", "options", "message"),
    [
        (np.zeros((1, 1, 0, 64)), {}, r"at least 1 rows and 1 columns .* \(1, 1, 0, 64\)"),
        (np.zeros((1, 8, 8)), {}, r"Component 0 must be \[batch, rows, columns, 64\]"),
        ([np.zeros((1, 1, 1, 64))] * 2, {}, "one component .* or three"),
        (np.zeros((1, 1, 1, 64)), {"huffman": "arithmetic"}, "'standard', 'optimized', 'entropy'"),
        ([np.zeros((1, 1, 1, 64))] * 3, {"chroma_subsampling": "4:1:1"}, "'4:1:1'"),
    ],
)
def test_bad_arguments(indices, options, message):
    with pytest.raises(ValueError, match=message):
        ks.ops.jpeg_scan_bits(indices, (8, 8), **options)


@pytest.mark.parametrize("huffman", ["standard", "entropy"])
def test_a_picture_that_is_not_finite_leaves_the_others_as_they_are(huffman):
    """A training that diverges ends with a loss of NaN, and not with an error of the count."""
    indices = np.random.default_rng(0).normal(0, 3, (2, 4, 5, 64)).round().astype("float32")

    def count(indices):
        return to_numpy(ks.ops.jpeg_scan_bits(indices, (32, 40), huffman=huffman))

    expected = count(indices)
    indices[1] = np.nan
    counted = count(indices)
    assert counted[0] == expected[0]
