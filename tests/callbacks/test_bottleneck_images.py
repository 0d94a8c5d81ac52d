"""The pixels of the pictures are those that the model returns."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from photographs import photographs
from PIL import Image

import keras_sandwich as ks


def small_sandwich(**arguments):
    keras.utils.set_random_seed(0)
    model = ks.models.create_basic_model(
        gamma=100.0, encoder_filters=(4,), decoder_filters=(4, 4), **arguments
    )
    model.compile(keras.optimizers.Adam(1e-2))
    return model


def as_pixels(array) -> np.ndarray:
    return np.clip(np.rint(ops.convert_to_numpy(array)), 0, 255).astype("uint8")


def written(folder, epoch) -> np.ndarray:
    with Image.open(folder / f"epoch_{epoch:04d}.png") as picture:
        assert picture.mode == "RGB"
        return np.asarray(picture)


def test_columns_are_what_the_model_returns(tmp_path):
    pictures = photographs(3, 24, 32).astype("float32")
    model = small_sandwich()
    callback = ks.callbacks.BottleneckImages(pictures[:2], tmp_path / "made" / "on_the_way")
    model.fit(pictures, epochs=2, callbacks=[callback], verbose=0)
    folder = tmp_path / "made" / "on_the_way"
    assert sorted(path.name for path in folder.iterdir()) == ["epoch_0001.png", "epoch_0002.png"]
    outputs = model(pictures[:2])
    page = written(folder, 2)
    assert page.shape == (2 * 24, 4 * 32, 3)
    for row in range(2):
        original, bottleneck, decoded, restored = (
            page[24 * row : 24 * row + 24, 32 * column : 32 * column + 32] for column in range(4)
        )
        np.testing.assert_array_equal(original, pictures[row].astype("uint8"))
        for channel in range(3):
            np.testing.assert_array_equal(
                bottleneck[..., channel], as_pixels(outputs["bottleneck"])[row, ..., 0]
            )
            np.testing.assert_array_equal(
                decoded[..., channel], as_pixels(outputs["compressed_bottleneck"])[row, ..., 0]
            )
        np.testing.assert_array_equal(restored, as_pixels(outputs["prediction"])[row])
    assert np.any(written(folder, 1) != page)  # the first epoch's picture is its own


@pytest.mark.once
def test_small_bottleneck_of_two_channels(tmp_path):
    pictures = photographs(2, 24, 32)
    model = small_sandwich(bottleneck_channels=2, downsample_factor=2)
    callback = ks.callbacks.BottleneckImages(pictures[:1], tmp_path)
    model.fit(pictures.astype("float32"), callbacks=[callback], verbose=0)
    bottleneck = written(tmp_path, 1)[:, 32:64]
    expected = as_pixels(model(pictures[:1])["bottleneck"])[0]
    assert expected.shape == (12, 16, 2)
    np.testing.assert_array_equal(bottleneck[:12, :16, :2], expected)
    assert np.all(bottleneck[:12, :16, 2] == 0)
    assert np.all(bottleneck[12:] == 255)
    assert np.all(bottleneck[:, 16:] == 255)


@pytest.mark.once
def test_deep_pictures_in_a_dict(tmp_path):
    pictures = {"colour": 4.0 * photographs(1, 16, 16).astype("float32") + 2.0}
    keras.utils.set_random_seed(0)
    basic = small_sandwich(bottleneck_channels=3, num_truncate_bits=2)
    model = ks.models.CompressIntraModel(
        basic.preprocessor, basic.postprocessor, basic.codec_proxy, model_keys=("colour",)
    )
    model.compile("sgd")
    model.build({"colour": (None, 16, 16, 3)})
    callback = ks.callbacks.BottleneckImages(pictures, tmp_path)
    callback.set_model(model)
    callback.on_epoch_end(6)
    page = written(tmp_path, 7)
    np.testing.assert_array_equal(page[:, :16], as_pixels(pictures["colour"] / 4.0)[0])
    outputs = model(pictures)
    np.testing.assert_array_equal(page[:, 16:32], as_pixels(outputs["bottleneck"])[0])
    np.testing.assert_array_equal(
        page[:, 48:], as_pixels(ops.convert_to_numpy(outputs["colour"]) / 4.0)[0]
    )


@pytest.mark.once
def test_without_pillow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"keras-sandwich\[media\]"):
        ks.callbacks.BottleneckImages(np.zeros((1, 8, 8, 3)), tmp_path)


@pytest.mark.once
def test_a_picture_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    images = photographs(1, 32, 32).astype("float32")
    model = ks.models.create_basic_model(
        num_mlp_layers=1, use_unet_preprocessor=False, use_unet_postprocessor=False
    )
    pictures = ks.callbacks.BottleneckImages(images, tmp_path)
    pictures.set_model(model)
    pictures.on_epoch_end(0)
    whole = (tmp_path / "epoch_0001.png").read_bytes()

    def broken(picture, path, **options):
        Path(path).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", broken)
    with pytest.raises(OSError, match="disk full"):
        pictures.on_epoch_end(0)
    assert (tmp_path / "epoch_0001.png").read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["epoch_0001.png"]
