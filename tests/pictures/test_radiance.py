"""Radiance against imagecodecs' RGBE and the OpenEXR project's library."""

import imagecodecs
import numpy as np
import pytest

import keras_sandwich as ks
from keras_sandwich.pictures.rgbe import decode_rgbe, encode_rgbe

OpenEXR = pytest.importorskip("OpenEXR")


def light(height=20, width=33, seed=0):
    exponents = np.random.default_rng(seed).uniform(-12, 12, (height, width, 3))
    values = (2.0**exponents).astype("float32")
    values[:3] = values[0, 0]  # runs
    values[4, :5] = 0
    return values


@pytest.mark.parametrize("width", [5, 8, 33])
def test_rgbe_is_read_as_imagecodecs_reads_it(width):
    file = bytes(imagecodecs.rgbe_encode(light(width=width), header=True))
    np.testing.assert_array_equal(decode_rgbe(file), imagecodecs.rgbe_decode(file))


def test_rgbe_is_written_as_imagecodecs_reads_it():
    values = light()
    file = encode_rgbe(values)
    found = imagecodecs.rgbe_decode(file)
    np.testing.assert_array_equal(decode_rgbe(file), found)
    largest = values.max(axis=-1, keepdims=True)
    assert (np.abs(found - values) <= largest / 128).all()


def test_an_exposure_is_taken_out():
    file = encode_rgbe(light()).replace(b"\n\n-Y", b"\nEXPOSURE=4.0\nEXPOSURE= 0.5\n\n-Y")
    np.testing.assert_allclose(decode_rgbe(file) * 2, decode_rgbe(encode_rgbe(light())), rtol=1e-6)


@pytest.mark.parametrize("cut", [3, 30, 60, 200, -1])
def test_a_file_that_is_cut_short_is_refused(cut):
    file = bytes(imagecodecs.rgbe_encode(light(), header=True))
    with pytest.raises(ValueError, match=r"cut short|no Radiance picture"):
        decode_rgbe(file[:cut])


def test_openexr_comes_back_as_half_floats(tmp_path):
    values = light()
    ks.pictures.save_radiance(tmp_path / "a.exr", values)
    np.testing.assert_array_equal(
        ks.pictures.load_radiance(tmp_path / "a.exr"), values.astype("float16").astype("float32")
    )
    with OpenEXR.File(str(tmp_path / "a.exr")) as file:  # one array where R, G and B lie together
        np.testing.assert_array_equal(file.channels()["RGB"].pixels, values.astype("float16"))


def test_gray_and_alpha(tmp_path):
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    gray = light()[..., 0].copy()
    OpenEXR.File(header, {"Y": gray, "A": gray.copy()}).write(str(tmp_path / "a.exr"))
    np.testing.assert_array_equal(
        ks.pictures.load_radiance(tmp_path / "a.exr"), np.repeat(gray[..., None], 3, axis=-1)
    )
    np.save(tmp_path / "a.npy", gray)
    assert ks.pictures.load_radiance(tmp_path / "a.npy").shape == (20, 33, 3)


@pytest.mark.parametrize(("bad", "words"), [(np.nan, "1 NaN or infinite"), (-0.1, "1 negative")])
@pytest.mark.parametrize("suffix", [".npy", ".exr"])
def test_what_is_no_radiance_is_refused(tmp_path, bad, words, suffix):
    values = light()
    values[7, 8, 1] = bad
    file = tmp_path / f"a{suffix}"
    if suffix == ".npy":
        np.save(file, values)
    else:
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        OpenEXR.File(header, {"RGB": values}).write(str(file))
    with pytest.raises(ValueError, match=words):
        ks.pictures.load_radiance(file)
    with pytest.raises(ValueError, match=words):
        ks.pictures.save_radiance(tmp_path / "b.hdr", values)


def test_missing_channels_and_other_files_are_refused(tmp_path):
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {"R": light()[..., 0].copy()}).write(str(tmp_path / "a.exr"))
    with pytest.raises(ValueError, match="R, G and B, or Y alone, and it has R"):
        ks.pictures.load_radiance(tmp_path / "a.exr")
    np.save(tmp_path / "a.npy", np.zeros((4, 4), "uint16"))
    with pytest.raises(ValueError, match="expected floats"):
        ks.pictures.load_radiance(tmp_path / "a.npy")
    with pytest.raises(ValueError, match="read by `read_picture`"):
        ks.pictures.load_radiance(tmp_path / "a.png")
    with pytest.raises(FileNotFoundError):
        ks.pictures.load_radiance(tmp_path / "b.exr")
