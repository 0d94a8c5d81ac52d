"""Pictures within a page, decoded again by Pillow."""

import base64
import io

import numpy as np
import pytest
from photographs import photographs
from PIL import Image, features

from keras_sandwich.evaluation.report.inline_pictures import data_uri, planes

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


def test_channels_stand_side_by_side():
    np.testing.assert_array_equal(planes(PICTURE), PICTURE)
    five = np.stack([np.full((4, 6), 10.0 * k) for k in range(5)], axis=-1)
    laid = planes(five)
    assert laid.shape == (8, 18, 1)
    for number in range(6):
        row, column = divmod(number, 3)
        tile = laid[4 * row : 4 * row + 4, 6 * column : 6 * column + 6]
        assert (tile == (10.0 * number if number < 5 else 255.0)).all()
