"""What a page holds in itself, decoded again by Pillow and the XML parser."""

import base64
import io
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from photographs import photographs
from PIL import Image, features

from keras_sandwich.evaluation import RDCurve
from keras_sandwich.evaluation.report.inline import (
    around,
    crop,
    data_uri,
    most_detailed,
    planes,
    plot_svg,
    scaled,
)

PICTURE = photographs(1, 48, 64)[0]


def decoded(uri: str) -> tuple[str, np.ndarray]:
    kind, data = uri.removeprefix("data:image/").split(";base64,")
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        assert picture.format.lower() == kind
        return kind, np.asarray(picture.convert("RGB"))


@pytest.mark.parametrize("webp", [True, False])
def test_pictures_lose_nothing(monkeypatch, webp):
    if not webp:
        monkeypatch.setattr(features, "check", lambda name: False)
    kind, pixels = decoded(data_uri(PICTURE))
    assert kind == ("webp" if webp else "png")
    np.testing.assert_array_equal(pixels, PICTURE)
    _, gray = decoded(data_uri(PICTURE[..., 1:2].astype("float32")))
    np.testing.assert_array_equal(gray, np.repeat(PICTURE[..., 1:2], 3, axis=-1))
    _, deep = decoded(data_uri(PICTURE * 4.0, peak=1020.0))
    np.testing.assert_array_equal(deep, PICTURE)
    five = np.concatenate([PICTURE, PICTURE[..., :2]], axis=-1)
    np.testing.assert_array_equal(decoded(data_uri(five))[1], PICTURE)


def test_plots_are_part_of_the_page():
    bpp = np.array([[2.0], [1.0], [0.5]])
    curves = [
        RDCurve(name, "c", [1, 2, 3], bpp, {"psnr-rgb": 30 + 3 * np.log2(bpp) + gain})
        for name, gain in (("<one & other>", 0.0), ("$\\bad$", 1.0))
    ]
    svg = plot_svg(curves, "psnr-rgb", "here")
    root = ElementTree.fromstring(svg)  # well-formed, and without names of other hosts
    assert "http" not in svg
    assert root.get("viewBox")
    assert root.get("width") is root.get("height") is None
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(set(ids)) == len(ids)
    assert all(name.startswith("here-") for name in ids)
    used = [v[1:] for e in root.iter() for k, v in e.attrib.items() if k == "href"]
    assert used
    assert set(used) <= set(ids)
    assert svg.count("stroke: var(--curve-0)") >= 1
    assert svg.count("stroke: var(--curve-1)") >= 1
    assert "currentColor" in svg
    assert "#1f5fbf" not in svg
    texts = [e.text for e in root.iter() if e.tag.endswith("text")]
    assert "PSNR (dB)" in texts  # text, not outlines
    assert not any("one" in text for text in texts)  # the page's legend names the curves
    assert svg == plot_svg(curves, "psnr-rgb", "here")


def test_the_most_detailed_square():
    flat = np.full((100, 140, 3), 90.0)
    flat[40:72, 96:128] = np.random.default_rng(0).uniform(0, 255, (32, 32, 3))
    assert most_detailed(flat, side=32) == (40, 96, 32, 32)
    assert most_detailed(flat[:20, :24], side=32) == (0, 0, 20, 24)
    assert most_detailed(np.zeros((8, 8, 1)), side=4) == (0, 0, 4, 4)


def test_boxes():
    np.testing.assert_array_equal(crop(PICTURE, (3, 5, 7, 9)), PICTURE[3:10, 5:14])
    assert around((3, 5, 7, 9), 48, 64) == (0, 0, 48, 64)
    assert around((10, 10, 64, 64), 3000, 2000) == (0, 0, 1024, 1024)
    assert around((2900, 1900, 64, 64), 3000, 2000) == (1976, 976, 1024, 1024)
    assert around((1500, 900, 64, 64), 3000, 2000) == (1020, 420, 1024, 1024)
    assert scaled((16, 24, 64, 32), (128, 256), (64, 128)) == (8, 12, 32, 16)
    assert scaled((16, 24, 64, 32), (128, 256), (128, 256)) == (16, 24, 64, 32)


def test_channels_stand_side_by_side():
    np.testing.assert_array_equal(planes(PICTURE), PICTURE)
    five = np.stack([np.full((4, 6), 10.0 * k) for k in range(5)], axis=-1)
    laid = planes(five)
    assert laid.shape == (8, 18, 1)
    for number in range(6):
        row, column = divmod(number, 3)
        tile = laid[4 * row : 4 * row + 4, 6 * column : 6 * column + 6]
        assert (tile == (10.0 * number if number < 5 else 255.0)).all()
