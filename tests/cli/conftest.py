import pytest
from photographs import photographs
from PIL import Image
from small_models import sandwich


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A preset's folder."""
    folder = tmp_path_factory.mktemp("presets") / "gray"
    sandwich().save_to_preset(folder)
    return str(folder)


@pytest.fixture
def pictures(tmp_path):
    """A folder of three pictures, one of them in a folder of its own."""
    folder = tmp_path / "pictures"
    (folder / "deeper").mkdir(parents=True)
    for name, pixels in zip(
        ("a.png", "b.webp", "deeper/c.png"), photographs(3, 40, 56), strict=True
    ):
        Image.fromarray(pixels).save(folder / name, lossless=True)
    return folder
