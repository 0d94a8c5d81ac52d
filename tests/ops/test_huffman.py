"""Huffman tables against the files of libjpeg and an independent reading of T.81."""

import io

import numpy as np
import pytest
from autodiff import to_numpy
from jpeg_scan_reader import read_scan
from PIL import Image

from keras_sandwich.ops.huffman import STANDARD_LENGTHS, optimal_bits, standard_bits


def jpeg_optimal_bits(histogram):
    """T.81 K.2 as its flow charts draw it, one table at a time."""
    frequency = [*map(int, histogram), 1]
    size, others = [0] * 257, [-1] * 257
    while True:
        c1 = c2 = -1
        for symbol, count in enumerate(frequency):
            if count and (c1 < 0 or count <= frequency[c1]):
                c1 = symbol
        for symbol, count in enumerate(frequency):
            if count and symbol != c1 and (c2 < 0 or count <= frequency[c2]):
                c2 = symbol
        if c2 < 0:
            break
        frequency[c1] += frequency[c2]
        frequency[c2] = 0
        for start, link in ((c1, c2), (c2, -1)):
            symbol = start
            size[symbol] += 1
            while others[symbol] >= 0:
                symbol = others[symbol]
                size[symbol] += 1
            if link >= 0:
                others[symbol] = link
    bits = [0] * 260
    for length in size:
        bits[length] += length > 0
    for i in range(259, 16, -1):
        while bits[i] > 0:
            j = i - 2
            while bits[j] == 0:
                j -= 1
            bits[i] -= 2
            bits[i - 1] += 1
            bits[j + 1] += 2
            bits[j] -= 1
    longest = max((i for i in range(17) if bits[i]), default=0)
    bits[longest] -= 1  # the reserved code of all ones
    lengths = [length for length in range(1, 17) for _ in range(bits[length])]
    order = sorted((s for s in range(256) if size[s]), key=lambda s: (size[s], s))
    return sum(int(histogram[s]) * length for s, length in zip(order, lengths, strict=True))


def histograms():
    generator = np.random.default_rng(3)
    fibonacci = np.zeros(256)
    fibonacci[generator.permutation(256)[:26]] = [
        round(((1 + 5**0.5) / 2) ** (n + 1) / 5**0.5) for n in range(26)
    ]
    flat = np.ones(256)
    single, empty = np.eye(256)[77] * 9, np.zeros(256)
    ties = generator.integers(0, 3, 256)
    geometric = (2.0 ** -np.arange(0, 64, 0.25) * 1e6).round()
    return np.stack([fibonacci, flat, single, empty, ties, geometric]).astype("int32")


def test_optimal_tables_are_those_of_the_standard():
    counts = histograms()
    assert to_numpy(optimal_bits(counts)).tolist() == [jpeg_optimal_bits(row) for row in counts]


@pytest.mark.parametrize(
    ("table", "number"), [("dc_luma", 0), ("ac_luma", 16), ("dc_chroma", 1), ("ac_chroma", 17)]
)
def test_standard_tables_are_those_of_a_file(table, number):
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), (9, 80, 200)).save(buffer, "JPEG", optimize=False)
    for symbol, length in read_scan(buffer.getvalue()).code_lengths[number].items():
        assert STANDARD_LENGTHS[table][symbol] == length
        assert (
            to_numpy(standard_bits(3 * np.eye(256, dtype="int32")[[symbol]], table)) == 3 * length
        )
