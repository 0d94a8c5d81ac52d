import numpy as np
import pytest
from photographs import photographs
from PIL import Image

import keras_sandwich as ks


def test_a_folder_of_pictures_whole(tmp_path):
    first, second = photographs(2, 24, 32)
    (tmp_path / "deeper").mkdir()
    Image.fromarray(second).save(tmp_path / "b.png")
    Image.fromarray(first).save(tmp_path / "deeper" / "a.webp", lossless=True)
    (tmp_path / "notes.txt").write_text("no picture")
    loaded = ks.datasets.load_images(tmp_path)
    assert list(loaded) == ["b", "deeper/a"]
    assert np.array_equal(loaded["b"], second)
    assert np.array_equal(loaded["deeper/a"], first)


def test_what_cannot_be_measured_with(tmp_path):
    Image.fromarray(photographs(1, 24, 32)[0]).save(tmp_path / "a.png")
    Image.fromarray(photographs(1, 24, 32)[0]).save(tmp_path / "a.bmp")
    with pytest.raises(ValueError, match="Two pictures are called 'a'"):
        ks.datasets.load_images(tmp_path)
    (tmp_path / "a.bmp").unlink()
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"a.png' cannot be read.*Repair or remove"):
        ks.datasets.load_images(tmp_path)
    with pytest.raises(FileNotFoundError):
        ks.datasets.load_images(tmp_path / "nowhere")
