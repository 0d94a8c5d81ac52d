import io

import numpy as np
import pytest
from PIL import Image
from tiff_files import LONG, SHORT, tiff

from keras_sandwich.pictures import read_picture, read_srgb

NEW_SUBFILE, SUBFILE = 254, 255
REDUCED, WHOLE = {NEW_SUBFILE: (LONG, [1])}, {NEW_SUBFILE: (LONG, [0])}
OLD_REDUCED, OLD_WHOLE = {SUBFILE: (SHORT, [2])}, {SUBFILE: (SHORT, [1])}


def picture(seed, size=8, bits=8):
    return np.random.default_rng(seed).integers(0, 2**bits, (size, size, 3))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("whole", "reduced"), [(WHOLE, REDUCED), (OLD_WHOLE, OLD_REDUCED), ({}, REDUCED)]
)
def test_the_thumbnail_of_a_tiff_file_is_no_second_picture(tmp_path, whole, reduced, first, bits):
    pages = [picture(0, 8, bits), picture(1, 2, bits)]
    tags = [whole, reduced]
    if not first:
        pages, tags = pages[::-1], tags[::-1]
    path = tmp_path / "picture.tif"
    path.write_bytes(tiff(pages, bits, 2, page_tags=tags))
    assert Image.open(path).n_frames == 2
    expected = np.rint(picture(0, 8, bits) * (255 / (2**bits - 1)))
    assert np.array_equal(read_picture(path).pixels, expected)
    assert np.array_equal(read_srgb(path), expected)


@pytest.mark.parametrize(
    "tags", [[{}, {}], [WHOLE, {NEW_SUBFILE: (LONG, [2])}], [REDUCED, REDUCED]]
)
def test_pages_of_a_tiff_file_are_refused(tmp_path, tags):
    path = tmp_path / "picture.tif"
    path.write_bytes(tiff([picture(0), picture(1)], 8, 2, page_tags=tags))
    for read in (read_picture, read_srgb):
        with pytest.raises(ValueError, match="2 frames"):
            read(path)


def test_a_single_page_that_calls_itself_a_thumbnail_is_read(tmp_path):
    path = tmp_path / "picture.tif"
    path.write_bytes(tiff(picture(0), 8, 2, REDUCED))
    assert np.array_equal(read_picture(path).pixels, picture(0))


def test_the_orientation_of_a_page_of_sixteen_bits(tmp_path):
    stored = np.arange(6 * 4 * 3).reshape(6, 4, 3) * 911
    path = tmp_path / "picture.tif"
    path.write_bytes(tiff(stored, 16, 2, {0x0112: (SHORT, [6])}))
    assert np.array_equal(read_srgb(path), np.rint(np.rot90(stored, -1) / 257))


def test_the_content_says_what_a_file_is_and_not_its_name(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(picture(0).astype("uint8")).save(buffer, "BMP")
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    assert np.array_equal(read_picture(tmp_path / "a.png").pixels, picture(0))
