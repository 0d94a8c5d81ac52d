"""Several files in one: every byte of the container."""

import numpy as np
import pytest
from photographs import photographs

from keras_sandwich.codecs import JPEG, PNG, Split

TEXTURES = np.concatenate([*photographs(3, 40, 56)], axis=-1)[..., :8]


def test_files_stand_behind_their_lengths():
    codec = Split(JPEG(qstep=6), (3, 1))
    file = codec.encode(TEXTURES[..., :4])
    first = JPEG(qstep=6).encode(TEXTURES[..., :3])
    second = JPEG(qstep=6).encode(TEXTURES[..., 3:4])
    assert 128 <= len(second) <= len(first) < 16384  # LEB128 of two bytes each

    def length(data):
        return bytes([128 | len(data) & 127, len(data) >> 7])

    assert file == length(first) + first + length(second) + second


@pytest.mark.parametrize("size", [0, 127, 128, 16383, 16384, 3_000_000])
def test_lengths_of_any_size(size):
    class Plain(PNG):
        def encode(self, image, *, xmp=None, icc_profile=None):
            return bytes(size)

        def decode(self, data):
            assert data == bytes(size)
            return TEXTURES[..., :1]

    codec = Split(Plain(), (1, 1))
    assert codec.decode(codec.encode(TEXTURES[..., :2])).shape == (40, 56, 2)


@pytest.mark.parametrize("groups", [(3, 3, 1, 1), (1,) * 8])
def test_channels_come_back_in_their_order(groups):
    codec = Split(PNG(), groups)
    np.testing.assert_array_equal(codec.decode(codec.encode(TEXTURES)), TEXTURES)


def test_what_it_says_of_itself():
    codec = Split(JPEG(qstep=6), [3, 1])
    assert codec.name == "JPEG 4:4:4, channels 3+1"
    assert codec.version == JPEG().version
    assert codec.settings == {
        "class": "Split",
        "codec": JPEG(qstep=6).settings,
        "groups": [3, 1],
    }
    assert codec.with_strength(20) == Split(JPEG(qstep=20), (3, 1))
    assert (codec.strength, codec.strengths) == (6, JPEG().strengths)
    assert Split(PNG(bits=16), (1, 1)).bits == 16


def test_for_channels():
    codec = Split(JPEG(), (3, 1))
    assert codec.for_channels(4) is codec
    assert JPEG().for_channels(5).for_channels(5) == Split(JPEG(), (1,) * 5)


@pytest.mark.parametrize(("groups", "channels"), [((3, 1), 5), ((1, 1, 1, 1), 3), ((3,), 1)])
def test_groups_that_were_asked_for_are_never_others(groups, channels):
    with pytest.raises(ValueError, match=rf"{sum(groups)} channels. Received {channels};"):
        Split(JPEG(), groups).for_channels(channels)


@pytest.mark.parametrize("groups", [(), (2,), (3, 0), (4,)])
def test_bad_groups(groups):
    with pytest.raises(ValueError, match="groups"):
        Split(JPEG(), groups)


def test_bad_pictures():
    for image in (TEXTURES[..., :3], TEXTURES[0], TEXTURES[None, ..., :4]):
        with pytest.raises(ValueError, match=r"\[height, width, 4\]"):
            Split(JPEG(), (3, 1)).encode(image)


def test_damage():
    codec = Split(PNG(), (3, 1))
    file = codec.encode(TEXTURES[..., :4])
    length = 128 * file[1] + (file[0] & 127)
    small = PNG().encode(TEXTURES[:8, :8, 3:4])
    other_size = file[: 2 + length] + bytes([len(small) & 127 | 128, len(small) >> 7]) + small
    swapped = file[2 + length :] + file[: 2 + length]
    for damaged, reason in {
        b"": "no length",
        file[:1]: "no length",
        b"\xff" * 9 + file: "no length",
        file[:-1]: "claims",
        file[: 2 + length]: "no length",
        b"\xff\xff\xff\xff\x7f" + file: "claims",
        file + b"\0": "behind them",
        other_size: "shapes",
        swapped: "shapes",
    }.items():
        with pytest.raises(ValueError, match=reason):
            codec.decode(damaged)
