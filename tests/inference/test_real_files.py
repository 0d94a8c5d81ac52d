"""Files are read by Pillow itself."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from photographs import grayscale

from keras_sandwich.codecs import JPEG
from keras_sandwich.training.real_files import empty_file_bits, through_files

Image = pytest.importorskip("PIL.Image")


def written(picture, qstep):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", qtables=[[qstep] * 64], optimize=True)
    return file


def test_each_bottleneck_is_rounded_clipped_and_coded_as_a_file():
    bottlenecks = grayscale(3, 40, 24).astype("float32") * 1.4 - 20.3
    assert bottlenecks.min() < 0
    assert bottlenecks.max() > 255
    with ThreadPoolExecutor(2) as executor:
        decoded, bits = through_files(bottlenecks, JPEG(qstep=20), executor)
    assert decoded.dtype == bits.dtype == "float32"
    for bottleneck, picture, cost in zip(bottlenecks, decoded, bits, strict=True):
        file = written(np.clip(np.round(bottleneck[..., 0]), 0, 255).astype("uint8"), 20)
        assert cost == 8 * len(file.getvalue())
        np.testing.assert_array_equal(picture[..., 0], np.asarray(Image.open(file)))


def test_what_a_file_costs_with_nothing_in_it():
    gray = np.full((16, 24), 128, "uint8")
    assert empty_file_bits(JPEG(qstep=9), (16, 24, 1)) == 8 * len(written(gray, 9).getvalue())
