"""Files that other libraries write."""

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

import keras_sandwich as ks

OpenEXR = pytest.importorskip("OpenEXR")
DEPTH = np.random.default_rng(0).integers(0, 65536, (23, 31)).astype("uint16")
FLOATS = (DEPTH / 1000).astype("float32")


def write_exr(path, **channels):
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, channels).write(str(path))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy", ".npz", ".pgm"])
def test_integers_come_as_they_stand_in_the_file(tmp_path, suffix):
    file = tmp_path / f"depth{suffix}"
    if suffix == ".npy":
        np.save(file, DEPTH[..., None].astype("int32"))
    elif suffix == ".npz":
        np.savez_compressed(file, whatever=DEPTH)
    elif suffix == ".tif":
        tifffile.imwrite(file, DEPTH)
    else:
        cv2.imwrite(str(file), DEPTH)
    found = ks.depth.load_depth(file)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, DEPTH)


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".exr"])
def test_of_floats_what_is_no_distance_becomes_nan(tmp_path, suffix):
    values = FLOATS.copy()
    values[0, :4] = 0, np.nan, np.inf, 2.5
    file = tmp_path / f"depth{suffix}"
    if suffix == ".npy":
        np.save(file, values)
    elif suffix == ".tif":
        tifffile.imwrite(file, values)
    else:
        write_exr(file, Z=values, A=np.ones_like(values))
    found = ks.depth.load_depth(file)
    assert found.dtype == np.float32
    assert np.isnan(found[0, :3]).all()
    np.testing.assert_array_equal(found[1:], np.where(values == 0, np.nan, values)[1:])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda p: Image.new("L", (8, 8), 9).save(p / "a.png"), "it has 8 bits, 256 levels"),
        (lambda p: Image.new("RGB", (8, 8), 9).save(p / "a.png"), "one gray channel"),
        (
            lambda p: cv2.imwrite(str(p / "a.png"), np.zeros((8, 8), "uint16")),
            "every pixel is a hole",
        ),
        (lambda p: np.save(p / "a.npy", np.full((8, 8), -3)), "Received -3 to -3"),
        (lambda p: np.save(p / "a.npy", np.full((8, 8), 70000)), "Received 70000"),
        (lambda p: np.save(p / "a.npy", np.full((8, 8), -0.5)), "64 negative ones"),
        (lambda p: np.save(p / "a.npy", np.zeros((2, 8, 8), "uint16")), "shape \\(2, 8, 8\\)"),
        (lambda p: np.save(p / "a.npy", np.array([{}])), "no file of NumPy's"),
        (lambda p: np.savez(p / "a.npz", a=DEPTH, b=DEPTH), "2 arrays, a, b"),
        (lambda p: write_exr(p / "a.exr", B=FLOATS), "expected a channel Z, Y or R, and it has B"),
        (lambda p: (p / "a.exr").write_bytes(b"no"), "no OpenEXR file"),
        (lambda p: (p / "a.bmp").write_bytes(b"no"), "Depth maps are read from .png"),
        (lambda p: (p / "a.png").write_bytes(b"no picture at all, but words"), "not of a format"),
    ],
)
def test_bad_files_are_refused_in_words(tmp_path, write, message):
    write(tmp_path)
    (file,) = tmp_path.iterdir()
    with pytest.raises(ValueError, match=message):
        ks.depth.load_depth(file)


def test_a_file_that_is_not_there_is_an_oserror(tmp_path):
    for name in ("a.png", "a.exr", "a.npy"):
        with pytest.raises(FileNotFoundError):
            ks.depth.load_depth(tmp_path / name)
