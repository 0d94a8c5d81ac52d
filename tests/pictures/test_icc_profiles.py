import io
import struct

import numpy as np
import pytest
from PIL import ImageCms

from keras_sandwich.pictures.colour_management import is_srgb
from keras_sandwich.pictures.icc_profiles import (
    ADOBE_RGB,
    SRGB,
    Primaries,
    gray_profile,
    rgb_profile,
)

# The columns of linear sRGB under D50, as the profile of the International Color Consortium has them.
SRGB_D50 = np.array(
    [
        [0.4360747, 0.3850649, 0.1430804],
        [0.2225045, 0.7168786, 0.0606169],
        [0.0139322, 0.0971045, 0.7141733],
    ]
)


def tags(profile):
    found = {}
    for number in range(struct.unpack_from(">I", profile, 128)[0]):
        name, place, size = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        found[name] = profile[place : place + size]
    return found


def test_the_matrix_of_srgb():
    found = tags(rgb_profile(SRGB, None, "sRGB"))
    columns = [
        np.array(struct.unpack(">3i", found[name][8:])) / 65536
        for name in (b"rXYZ", b"gXYZ", b"bXYZ")
    ]
    assert np.abs(np.stack(columns, axis=1) - SRGB_D50).max() < 3e-4


@pytest.mark.parametrize("gamma", [None, 1.0, 2.2])
def test_profiles_are_well_formed(gamma):
    for profile in (rgb_profile(ADOBE_RGB, gamma, "a name"), gray_profile(gamma, "a name")):
        assert struct.unpack(">I", profile[:4])[0] == len(profile)
        assert profile[36:40] == b"acsp"
        assert all(len(content) >= 8 for content in tags(profile).values())
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        assert ImageCms.getProfileDescription(opened).strip() == "a name"
        assert len(profile) < 1000  # small, as it goes into small files


def test_srgb_is_known_by_its_colours():
    assert is_srgb(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    assert is_srgb(rgb_profile(SRGB, None, "sRGB"))
    assert not is_srgb(rgb_profile(ADOBE_RGB, 2.2, "Adobe RGB"))
    assert not is_srgb(rgb_profile(SRGB, 1.0, "linear"))
    assert not is_srgb(gray_profile(None, "gray"))
    assert not is_srgb(rgb_profile(SRGB, None, "sRGB")[:100])


def test_primaries_are_compared_by_their_points():
    near = Primaries((0.6401, 0.3301), (0.30, 0.60), (0.15, 0.06))
    assert SRGB.close_to(near)
    assert not SRGB.close_to(ADOBE_RGB)
    assert not SRGB.close_to(Primaries(SRGB.red, SRGB.green, SRGB.blue, (0.3457, 0.3585)))
