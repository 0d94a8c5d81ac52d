import numpy as np
import pytest
from photographs import photographs
from PIL import Image, ImageCms
from small_models import sandwich

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture(scope="session")
def gray_model():
    """Colour over a grayscale codec, with U-Nets."""
    return sandwich(networks=True)


@pytest.fixture(scope="session")
def small_model():
    """High over low resolution, with a codec that halves the chroma."""
    return sandwich(bottleneck_channels=3, downsample_factor=2, chroma_subsampling="4:2:0")


@pytest.fixture
def photograph():
    """uint8 [47, 61, 3]."""
    return np.ascontiguousarray(photographs(1, 47, 61)[0])


@pytest.fixture
def source(tmp_path, photograph):
    """A picture file with a profile, in a folder of its own."""
    folder = tmp_path / "source"
    folder.mkdir()
    Image.fromarray(photograph).save(folder / "picture.png", icc_profile=SRGB)
    return folder / "picture.png"
