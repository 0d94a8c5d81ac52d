import io

import numpy as np
import pytest
from autodiff import run, to_numpy
from jpeg_scan_reader import read_scan, zigzag_walk
from photographs import photographs
from PIL import Image

import keras_sandwich as ks
from keras_sandwich.ops.quantization import ZIGZAG, require_table


def test_tables_are_those_of_quality_50():
    buffer = io.BytesIO()
    Image.fromarray(photographs(1, 16, 16)[0]).save(buffer, "JPEG", quality=50)
    luma, chroma, _ = read_scan(buffer.getvalue()).tables
    assert np.array_equal(ks.ops.ANNEX_K_LUMA, luma)
    assert np.array_equal(ks.ops.ANNEX_K_CHROMA, chroma)


def test_zigzag_walks_the_diagonals():
    assert ZIGZAG.tolist() == zigzag_walk()
    assert ZIGZAG[:8].tolist() == [0, 1, 8, 16, 9, 2, 3, 10]  # T.81 Figure A.6


def test_tables_of_every_quality_are_those_in_the_file():
    together = to_numpy(ks.ops.quality_to_tables(np.arange(1, 101)))
    for quality in range(1, 101):
        buffer = io.BytesIO()
        Image.fromarray(photographs(1, 8, 8)[0]).save(buffer, "JPEG", quality=quality)
        luma, chroma, _ = read_scan(buffer.getvalue()).tables
        assert np.array_equal(together[quality - 1], [luma, chroma])
    assert np.array_equal(to_numpy(ks.ops.quality_to_tables(37)), together[36])
    assert np.array_equal(run(ks.ops.quality_to_tables, np.float32([3, 98])), together[[2, 97]])


@pytest.mark.parametrize("quality", [0, 101, 49.5, [50, 200]])
def test_bad_quality(quality):
    with pytest.raises(ValueError, match="`quality` must be made of whole numbers from 1 to 100"):
        ks.ops.quality_to_tables(quality)


def test_no_table_is_flat():
    assert np.array_equal(require_table(None, "table"), np.ones((8, 8)))


@pytest.mark.parametrize(
    "table", [np.ones((4, 16)), np.zeros((8, 8)), np.full((8, 8), np.nan), -np.ones((8, 8))]
)
def test_bad_tables(table):
    with pytest.raises(ValueError, match="`luma_table` must be an 8×8 table of positive steps"):
        require_table(table, "luma_table")
