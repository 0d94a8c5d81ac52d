import pytest
from PIL import Image

from keras_sandwich.datasets import sample_images


@pytest.fixture(scope="module")
def photographs():
    """Five photographs of different sizes, none smaller than 40×40."""
    return [p[: 40 + 3 * i, : 52 - 2 * i] for i, p in enumerate(sample_images("test")[:5])]


@pytest.fixture
def folder(tmp_path, photographs):
    """The photographs as files, in subfolders too, next to what is no picture."""
    names = ["b.png", "a.PNG", "sub/c.png", "sub/deeper/e.bmp", "sub/d.webp"]
    for name, pixels in zip(names, photographs, strict=True):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file, **({"lossless": True} if name[-4:] == "webp" else {}))
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / "._b.png").write_text("not a picture either")
    return tmp_path
