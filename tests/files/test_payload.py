import hashlib
import io
import json
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from keras_sandwich.files.payload import (
    NotACodedFile,
    Payload,
    is_unaltered,
    pixel_digest,
    seal,
)
from keras_sandwich.files.xmp import read_fields, write_fields

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PAYLOAD = Payload(
    network="0123456789abcdef" * 2,
    output_size=(48, 64),
    settings={"class": "JPEG", "qstep": 8, "optimize": True},
    library="Pillow 13.0.0, libjpeg-turbo 3.2.0",
    preset="gray",
    profile=SRGB,
    pixels="ab" * 16,
    file="01234567",
)


def altered(**changes):
    """The packet with other fields, whose checksum is right all the same."""
    fields = read_fields(PAYLOAD.to_xmp())
    fields |= changes
    fields = {name: text for name, text in fields.items() if text is not None and name != "check"}
    lines = "".join(f"{name}={fields[name]}\n" for name in sorted(fields))
    return write_fields({**fields, "check": f"{zlib.crc32(lines.encode()):08x}"})


def test_what_is_written_is_read():
    assert Payload.from_xmp(PAYLOAD.to_xmp()) == PAYLOAD
    bare = replace(PAYLOAD, preset=None, profile=None)
    assert Payload.from_xmp(bare.to_xmp()) == bare
    assert altered() == PAYLOAD.to_xmp()


def test_the_fields_are_as_documented():
    fields = read_fields(PAYLOAD.to_xmp())
    assert list(fields) == [
        *("version", "network", "preset", "size", "codec", "library", "profile"),
        *("pixels", "file", "check"),
    ]
    assert fields["version"] == "1"
    assert fields["size"] == "64x48"  # width first, as pictures are spoken of
    assert json.loads(fields["codec"]) == PAYLOAD.settings


def test_the_length_does_not_depend_on_the_checksums():
    blank = replace(PAYLOAD, pixels="0" * 32, file="0" * 8)
    assert len(PAYLOAD.to_xmp()) == len(blank.to_xmp(sealed=False))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": "2"}, "version 1 of the format. Received a file of version 2"),
        ({"version": "x"}, "'version'"),
        ({"version": "01"}, "'version'"),
        ({"version": None}, "'version'"),
        ({"network": "0123"}, "'network'"),
        ({"network": "G" * 32}, "'network'"),
        ({"pixels": None}, "'pixels'"),
        ({"file": "-1"}, "'file'"),
        ({"size": "0x5"}, "'size'"),
        ({"size": "5"}, "'size'"),
        ({"size": "-5x5"}, "'size'"),
        ({"size": "99999999x5"}, "'size'"),
        ({"size": "1000000000x1000000000"}, "'size'"),
        ({"size": "٣x٣"}, "'size'"),
        ({"preset": "../../etc"}, "'preset'"),
        ({"preset": ""}, "'preset'"),
        ({"codec": "{"}, "'codec'"),
        ({"codec": "[]"}, "'codec'"),
        ({"codec": '{"class":1}'}, "'codec'"),
        ({"codec": "[" * 30000}, "'codec'"),
        ({"library": "x" * 501}, "'library'"),
        ({"profile": "?"}, "'profile'"),
        ({"profile": "AAAA"}, "'profile'"),
        ({"profile": "eJwrTS0qBgAGeQJk"[:-4]}, "'profile'"),
    ],
)
def test_fields_that_cannot_be_meant(changes, reason):
    with pytest.raises(ValueError, match=reason):
        Payload.from_xmp(altered(**changes))


def test_a_profile_cannot_grow_without_bound():
    import base64

    bomb = base64.b64encode(zlib.compress(bytes(30_000_000), 9)).decode()
    assert len(bomb) < 60_000
    with pytest.raises(ValueError, match="'profile'"):
        Payload.from_xmp(altered(profile=bomb))


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_no_changed_letter_goes_unseen(data):
    packet = bytearray(PAYLOAD.to_xmp())
    place = data.draw(st.integers(packet.index(b"s:version"), packet.index(b"/></rdf:RDF>") - 1))
    letter = data.draw(st.integers(32, 126).filter(lambda value: value != packet[place]))
    packet[place] = letter
    try:
        changed = Payload.from_xmp(bytes(packet))
    except ValueError:
        return
    assert changed == PAYLOAD  # XML allows either quotation mark, or a space, here and there


def test_other_metadata_are_none_of_ours():
    for xmp in (b"<a/>", b"<a>", write_fields({})):
        with pytest.raises(NotACodedFile):
            Payload.from_xmp(xmp)
    with pytest.raises(ValueError, match="damaged") as caught:
        Payload.from_xmp(PAYLOAD.to_xmp()[:-10])
    assert not isinstance(caught.value, NotACodedFile)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", ">u2"])
def test_the_digest_of_pixels_is_a_sha_256(dtype):
    pixels = np.arange(24).reshape(2, 4, 3).astype(dtype)[:, ::-1]
    size = np.dtype(dtype).itemsize
    samples = b"".join(struct.pack("<B" if size == 1 else "<H", int(p)) for p in pixels.ravel())
    expected = hashlib.sha256(f"2x4x3x{size} ".encode() + samples).hexdigest()[:32]
    assert pixel_digest(pixels) == expected
    assert pixel_digest(pixels.reshape(4, 2, 3)) != expected


def jpeg(xmp):
    buffer = io.BytesIO()
    Image.new("L", (16, 16), 90).save(buffer, "JPEG", xmp=xmp)
    return buffer.getvalue()


def test_a_sealed_file_knows_each_of_its_bytes():
    unsealed = replace(PAYLOAD, pixels="0" * 32, file="0" * 8)
    blank = jpeg(unsealed.to_xmp(sealed=False))
    file = seal(blank, unsealed, PAYLOAD.pixels)
    assert len(file) == len(blank)
    xmp = Image.open(io.BytesIO(file)).info["xmp"]
    payload = Payload.from_xmp(xmp)
    assert payload == replace(PAYLOAD, file=payload.file)
    assert is_unaltered(file, xmp, payload)
    zeroed = file.replace(f"s:file='{payload.file}'".encode(), b"s:file='00000000'")
    zeroed = (
        zeroed[: zeroed.index(b"s:check='") + 9]
        + b"0" * 8
        + zeroed[zeroed.index(b"s:check='") + 17 :]
    )
    assert payload.file == f"{zlib.crc32(zeroed):08x}"
    for place in (3, len(file) // 2, len(file) - 1):
        changed = bytearray(file)
        changed[place] ^= 1
        assert not is_unaltered(bytes(changed), xmp, payload)
    assert not is_unaltered(file + b"\0", xmp, payload)


def test_a_file_whose_profile_another_zlib_packed_is_unaltered(monkeypatch):
    compress = zlib.compress
    with_profile = replace(PAYLOAD, profile=bytes(range(256)) * 4, file="0" * 8, pixels="0" * 32)
    monkeypatch.setattr(zlib, "compress", lambda data, level: compress(data, 0))
    blank = jpeg(with_profile.to_xmp(sealed=False))
    file = seal(blank, with_profile, PAYLOAD.pixels)
    monkeypatch.undo()
    xmp = Image.open(io.BytesIO(file)).info["xmp"]
    payload = Payload.from_xmp(xmp)
    assert payload.to_xmp() != xmp
    assert is_unaltered(file, xmp, payload)


def test_a_codec_that_changes_the_metadata_is_found_out():
    with pytest.raises(ValueError, match="0 times"):
        seal(b"no metadata", PAYLOAD, PAYLOAD.pixels)
