"""The scale of a loss: what the means over files of another program give."""

import io

import numpy as np
import pytest
from photographs import photographs
from PIL import Image

import keras_sandwich as ks

PICTURES = photographs(2, 32, 48)
pytestmark = pytest.mark.once


def test_the_ratio_of_means_over_jpeg_files():
    decoded = []
    for picture in PICTURES:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=50, subsampling=0)
        decoded.append(np.asarray(Image.open(file)))
    error = PICTURES.astype("float64") - np.stack(decoded)
    expected = np.mean(error**2) / np.mean(np.abs(error))
    assert ks.training.calibrate_scale("mae", PICTURES) == pytest.approx(expected, rel=1e-3)
    finer = ks.training.calibrate_scale("mae", PICTURES, ks.codecs.JPEG(quality=90))
    assert finer < expected


def test_of_many_channels():
    maps = ("color", "normal_xy", "roughness", "metalness", "occlusion")
    material = np.concatenate([PICTURES, PICTURES, PICTURES[..., :2]], axis=-1)
    loss = ks.losses.ShadingError(maps, renders=2)
    scale = ks.training.calibrate_scale(loss, material)
    scaled = ks.losses.ShadingError(maps, renders=2, scale=scale)
    assert ks.training.calibrate_scale(scaled, material) == pytest.approx(1.0, rel=1e-3)


def test_bad_pictures_and_losses():
    with pytest.raises(ValueError, match=r"\[number, height, width, channels\]. Received shape"):
        ks.training.calibrate_scale("mse", PICTURES[0])
    with pytest.raises(ValueError, match="positive and finite between pictures and their files"):
        ks.training.calibrate_scale(lambda target, prediction: 0 * target, PICTURES)
