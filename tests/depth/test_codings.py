"""The codings against their own definitions, written out anew, on every depth that there is."""

import colorsys

import numpy as np
import pytest

import keras_sandwich as ks

EVERY = np.arange(65536, dtype="uint16").reshape(256, 256)
WHOLE = EVERY.astype("int64")


def test_256_levels_are_what_they_were_coded_from():
    picture = ks.depth.encode_levels(EVERY)
    restored = ks.depth.decode_levels(picture)
    assert np.abs(restored - WHOLE).max() == 128
    np.testing.assert_array_equal(ks.depth.encode_levels(restored), picture)


def test_no_hue_has_two_meanings():
    picture = ks.depth.encode_hue(EVERY)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 1276
    restored = ks.depth.decode_hue(picture)
    assert np.abs(restored - WHOLE).max() <= 65535 / 1275 / 2 + 0.5
    np.testing.assert_array_equal(ks.depth.encode_hue(restored), picture)


def test_hues_are_those_of_the_colour_circle():
    depth = np.array([[0, 65535 // 5, 2 * 65535 // 5, 30000, 65535]], "uint16")
    hues = [colorsys.rgb_to_hsv(*(colour / 255))[0] for colour in ks.depth.encode_hue(depth)[0]]
    np.testing.assert_allclose(hues, depth[0] / 65535 * 5 / 6, atol=4e-4)


@pytest.mark.parametrize("end", [0, 65535])
def test_an_end_of_the_range_stays_one_whatever_a_codec_does_to_its_colour(end):
    colour = ks.depth.encode_hue(np.array([[end]], "uint16")).astype("int64")
    shifts = np.stack(np.meshgrid(*[[-20, 0, 20]] * 3, indexing="ij"), axis=-1).reshape(1, -1, 3)
    restored = ks.depth.decode_hue(np.clip(colour + shifts, 0, 255).astype("uint8"))
    assert np.abs(restored.astype("int64") - end).max() < 65535 * 0.05


@pytest.mark.parametrize(("period", "largest"), [(1024, 1), (4096, 4), (65536, 64)])
def test_triangle_waves_are_as_fine_as_their_slope(period, largest):
    picture = ks.depth.encode_triangle_wave(EVERY, period)
    restored = ks.depth.decode_triangle_wave(picture, period)
    assert np.abs(restored - WHOLE).max() <= largest


def test_triangle_waves_are_those_of_pece_et_al():
    period = 2048
    picture = ks.depth.encode_triangle_wave(EVERY, period)
    for channel, shift in ((1, 0.0), (2, period / 4)):
        phase = np.mod((WHOLE - shift) / (period / 2), 2)
        wave = np.where(phase <= 1, phase, 2 - phase)
        np.testing.assert_allclose(picture[..., channel], 255 * wave, atol=0.501)


def test_triangle_waves_bear_an_error_of_the_high_bits():
    period = 8192
    picture = ks.depth.encode_triangle_wave(EVERY, period).astype("int64")
    picture[..., 0] = np.clip(picture[..., 0] + np.where(EVERY % 2, 2, -2), 0, 255)
    restored = ks.depth.decode_triangle_wave(picture.astype("uint8"), period)
    assert np.abs(restored - WHOLE).max() <= 300  # of the wrong quarter's wave, where it is flat


def test_bytes_lose_nothing():
    high, low = ks.depth.split_bytes(EVERY)
    assert high.dtype == low.dtype == np.uint8
    assert high[1, 2, 0] == 1
    assert low[1, 2, 0] == 2
    np.testing.assert_array_equal(ks.depth.join_bytes(high, low), EVERY)


@pytest.mark.parametrize(
    "encode", [ks.depth.encode_levels, ks.depth.encode_hue, ks.depth.split_bytes]
)
def test_what_is_no_map_is_refused(encode):
    with pytest.raises(ValueError, match=r"uint16 \[height, width\]. Received float32"):
        encode(EVERY.astype("float32"))
