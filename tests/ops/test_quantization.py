import io

import numpy as np
import pytest
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


def test_no_table_is_flat():
    assert np.array_equal(require_table(None, "table"), np.ones((8, 8)))


@pytest.mark.parametrize(
    "table", [np.ones((4, 16)), np.zeros((8, 8)), np.full((8, 8), np.nan), -np.ones((8, 8))]
)
def test_bad_tables(table):
    with pytest.raises(ValueError, match="`luma_table` must be an 8×8 table of positive steps"):
        require_table(table, "luma_table")
