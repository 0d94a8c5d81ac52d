"""JPEG XL pictures that libjxl wrote, and headers written by hand."""

import sys

import numpy as np
import pytest

from keras_sandwich.pictures import read_picture, read_srgb

imagecodecs = pytest.importorskip("imagecodecs")
HEIGHT, WIDTH = (
    24,
    40,
)  # a header of 14 bits for the size: both are multiples of 8, in no ratio of the standard
BEHIND = (
    16 + 14 + 9
)  # bits: the signature, the size, and what stands before the colours of 8 bits without alpha


def noise(channels, bits=8):
    stored = np.random.default_rng(bits).integers(0, 2**bits, (HEIGHT, WIDTH, channels))
    return stored.astype("uint8" if bits == 8 else "uint16")


def written(folder, data):
    path = folder / "picture.jxl"
    path.write_bytes(data)
    return path


def lossless(samples, **options):
    plane = samples[..., 0] if samples.shape[-1] == 1 else samples
    return bytes(imagecodecs.jpegxl_encode(plane, lossless=True, **options))


def stating(fields):
    """A lossless file of 8 bits whose colours are stated by (value, bits) fields, in place of the one bit of sRGB."""
    samples = noise(3)
    stream = int.from_bytes(lossless(samples), "little")
    assert stream >> BEHIND & 1
    place, head = BEHIND, stream & ((1 << BEHIND) - 1)
    for value, count in [*fields, (0, 2), (1, 1)]:  # no extensions, the usual transform
        head |= value << place
        place += count
    # Frames begin at a byte.
    frame = stream >> (8 * -(-(BEHIND + 4) // 8))
    whole = head | frame << (8 * -(-place // 8))
    return samples, whole.to_bytes(-(-whole.bit_length() // 8), "little")


def enumerated(value):
    """U32(0, 1, 2 + u(4), 18 + u(6))."""
    if value < 18:
        return [(value, 2)] if value < 2 else [(2, 2), (value - 2, 4)]
    return [(3, 2), (value - 18, 6)]


def by_numbers(primaries, transfer, white=1):
    """Not all default, no ICC profile, RGB; white point; primaries; no γ, transfer function; relative colours."""
    fields = [(0, 1), (0, 1), *enumerated(0), *enumerated(white), *enumerated(primaries)]
    return [*fields, (0, 1), *enumerated(transfer), *enumerated(1)]


@pytest.mark.parametrize("container", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_level_of_lossless_files(tmp_path, channels, container):
    samples = noise(channels)
    path = written(tmp_path, lossless(samples, usecontainer=container))
    picture = read_picture(path)
    assert picture.profile is None
    assert np.array_equal(picture.pixels, np.broadcast_to(samples, (HEIGHT, WIDTH, 3)))
    assert np.array_equal(read_srgb(path), picture.pixels)


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha(tmp_path, channels):
    samples = noise(channels)
    path = written(tmp_path, lossless(samples))
    colours = np.broadcast_to(samples[..., :-1], (HEIGHT, WIDTH, 3))
    assert np.array_equal(read_srgb(path), colours)
    with pytest.raises(ValueError, match="transparent pixels"):
        read_picture(path)
    share = samples[..., -1:] / 255
    laid = read_picture(path, background="white").pixels
    assert np.array_equal(laid, np.rint(colours * share + 255 * (1 - share)))


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_every_bit_of_linear_light(tmp_path, bits):
    """imagecodecs declares integers of more than 8 bits linear."""
    samples = noise(3, bits)
    picture = read_picture(written(tmp_path, lossless(samples, bitspersample=bits)), 3, 8)
    assert np.array_equal(picture.pixels, np.rint(samples * (65280 / (2**bits - 1))))
    assert b"para" in picture.profile


def test_floating_point_is_linear_light(tmp_path):
    light = np.linspace(0, 1, HEIGHT * WIDTH * 3).reshape(HEIGHT, WIDTH, 3).astype("float32")
    path = written(tmp_path, lossless(light))
    picture = read_picture(path, num_truncate_bits=8)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(picture.pixels / 65280 - curve).max() < 2e-5
    assert picture.profile is None
    assert np.abs(read_srgb(path) - 255 * curve).max() <= 0.51


@pytest.mark.parametrize("primaries", [1, 9, 11])
def test_colours_by_numbers(tmp_path, primaries):
    samples, data = stating(by_numbers(primaries, 13))
    picture = read_picture(written(tmp_path, data))
    assert np.array_equal(picture.pixels, samples)
    names = {9: "BT.2020", 11: "Display P3"}
    if primaries == 1:
        assert picture.profile is None
    else:
        assert names[primaries].encode("utf-16-be") in picture.profile


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (by_numbers(9, 16), r"high dynamic range, PQ"),
        (by_numbers(9, 18), r"high dynamic range, HLG"),
        (by_numbers(11, 13, white=11), "values of its own; convert it to sRGB"),
        ([(0, 1), (1, 1)], "compressed ICC profile"),
    ],
)
def test_other_colours_are_refused(tmp_path, fields, message):
    path = written(tmp_path, stating(fields)[1])
    for read in (read_picture, read_srgb):
        with pytest.raises(ValueError, match=message):
            read(path)


def test_animations_and_damaged_files_are_refused(tmp_path):
    frames = np.zeros((3, HEIGHT, WIDTH, 3), "uint8")
    for data, message in (
        (lossless(frames), "animation"),
        (lossless(noise(3))[:300], "cannot be read"),
    ):
        with pytest.raises(ValueError, match=message):
            read_picture(written(tmp_path, data))


def test_without_the_library(tmp_path, monkeypatch):
    path = written(tmp_path, lossless(noise(3)))
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(ImportError, match=r"keras-sandwich\[jpegxl\]"):
        read_picture(path)
