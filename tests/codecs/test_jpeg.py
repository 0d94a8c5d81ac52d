"""What stands in the files, read from their bytes."""

import io
import sys

import numpy as np
import pytest
from photographs import grayscale, photographs
from PIL import Image

from keras_sandwich.codecs import JPEG

SOF0, SOF2, DHT, DQT, SOS = 0xC0, 0xC2, 0xC4, 0xDB, 0xDA

# T.81 Table K.1, as printed.
ANNEX_K_LUMA = """
16 11 10 16  24  40  51  61
12 12 14 19  26  58  60  55
14 13 16 24  40  57  69  56
14 17 22 29  51  87  80  62
18 22 37 56  68 109 103  77
24 35 55 64  81 104 113  92
49 64 78 87 103 121 120 101
72 92 95 98 112 100 103  99
"""


def segments(file: bytes) -> list[tuple[int, bytes]]:
    """(marker, payload) of every segment up to the first scan's."""
    found, place = [], 2
    assert file[:2] == b"\xff\xd8"
    while not found or found[-1][0] != SOS:
        assert file[place] == 0xFF
        size = int.from_bytes(file[place + 2 : place + 4])
        found.append((file[place + 1], file[place + 4 : place + 2 + size]))
        place += 2 + size
    return found


def payloads(file: bytes, marker: int) -> list[bytes]:
    return [payload for kind, payload in segments(file) if kind == marker]


def quantization_tables(file: bytes) -> dict[int, np.ndarray]:
    """Table number → 8×8 steps, out of the zigzag order of the file."""
    diagonals = sorted(
        ((row, column) for row in range(8) for column in range(8)),
        key=lambda place: (sum(place), place[0] if sum(place) % 2 else place[1]),
    )
    tables = {}
    for payload in payloads(file, DQT):
        for start in range(0, len(payload), 65):
            assert payload[start] >> 4 == 0  # 8-bit steps, as baseline asks
            table = np.zeros((8, 8), int)
            for place, step in zip(diagonals, payload[start + 1 : start + 65], strict=True):
                table[place] = step
            tables[payload[start] & 15] = table
    return tables


def sampling_factors(file: bytes) -> list[tuple[int, int]]:
    """(horizontal, vertical) of each component in the frame header."""
    (frame,) = payloads(file, SOF0)
    return [(frame[7 + 3 * i] >> 4, frame[7 + 3 * i] & 15) for i in range(frame[5])]


def tables_of_components(file: bytes) -> list[int]:
    (frame,) = payloads(file, SOF0)
    return [frame[8 + 3 * i] for i in range(frame[5])]


GRAY = grayscale(1, 40, 56)[0]
COLOUR = photographs(1, 40, 56)[0]


@pytest.mark.parametrize("qstep", [1, 7, 8, 100, 255])
@pytest.mark.parametrize("image", [GRAY, COLOUR], ids=["gray", "colour"])
def test_flat_table_of_qstep(qstep, image):
    tables = quantization_tables(JPEG(qstep=qstep).encode(image))
    assert tables
    assert all(np.all(table == qstep) for table in tables.values())


def test_default_is_a_flat_step_of_8():
    assert JPEG().encode(GRAY) == JPEG(qstep=8).encode(GRAY)


def test_custom_tables_in_raster_order():
    luma = np.arange(1, 65).reshape(8, 8)
    chroma = np.arange(255, 191, -1).reshape(8, 8)
    file = JPEG(tables=[luma, chroma]).encode(COLOUR)
    written = quantization_tables(file)
    y, cb, cr = tables_of_components(file)
    np.testing.assert_array_equal(written[y], luma)
    np.testing.assert_array_equal(written[cb], chroma)
    assert cb == cr != y


def test_one_custom_table_serves_all_components():
    table = np.arange(64, 0, -1).reshape(8, 8)
    for image in (GRAY, COLOUR):
        file = JPEG(tables=table).encode(image)
        for number in tables_of_components(file):
            np.testing.assert_array_equal(quantization_tables(file)[number], table)


@pytest.mark.parametrize("quality", [1, 10, 50, 75, 90, 100])
def test_quality_scales_annex_k(quality):
    base = np.array(ANNEX_K_LUMA.split(), int).reshape(8, 8)
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality  # libjpeg's jpeg_quality_scaling
    expected = np.clip((base * scale + 50) // 100, 1, 255)
    file = JPEG(quality=quality).encode(COLOUR)
    written = quantization_tables(file)[tables_of_components(file)[0]]
    np.testing.assert_array_equal(written, expected)


@pytest.mark.parametrize(
    ("subsampling", "luma"), [("4:4:4", (1, 1)), ("4:2:2", (2, 1)), ("4:2:0", (2, 2))]
)
@pytest.mark.parametrize("setting", [{"qstep": 8}, {"quality": 80}])
def test_subsampling_in_the_frame_header(subsampling, luma, setting):
    file = JPEG(chroma_subsampling=subsampling, **setting).encode(COLOUR)
    assert sampling_factors(file) == [luma, (1, 1), (1, 1)]
    assert len(sampling_factors(JPEG(chroma_subsampling=subsampling).encode(GRAY))) == 1


def test_optimize_writes_tables_of_its_own():
    optimized, standard = (JPEG(qstep=8, optimize=on).encode(GRAY) for on in (True, False))
    assert payloads(optimized, DHT) != payloads(standard, DHT)
    # Annex K.3.3: 12 DC symbols and 162 AC symbols, after class and 16 counts.
    assert sorted(len(payload) for payload in payloads(standard, DHT)) == [17 + 12, 17 + 162]
    assert len(optimized) < len(standard)
    np.testing.assert_array_equal(JPEG().decode(optimized), JPEG().decode(standard))


def test_noise_of_more_than_16_bits_a_pixel_is_written_too():
    noise = np.random.default_rng(0).integers(0, 256, (256, 384, 3), dtype="uint8")
    codec = JPEG(qstep=1, color_transform=False)
    file = codec.encode(noise)
    assert 8 * len(file) > 16 * 256 * 384
    assert np.abs(codec.decode(file).astype(int) - noise).max() <= 2


def test_progressive_frame():
    baseline, progressive = (JPEG(progressive=on).encode(GRAY) for on in (False, True))
    assert len(payloads(baseline, SOF0)) == 1
    assert not payloads(baseline, SOF2)
    assert len(payloads(progressive, SOF2)) == 1
    assert not payloads(progressive, SOF0)
    np.testing.assert_array_equal(JPEG().decode(baseline), JPEG().decode(progressive))


@pytest.mark.parametrize("image", [GRAY, COLOUR], ids=["gray", "colour"])
def test_decodes_as_pillow_does(image):
    codec = JPEG(quality=70, chroma_subsampling="4:2:0")
    file = codec.encode(image)
    decoded = codec.decode(file)
    assert decoded.shape == image.shape
    assert decoded.dtype == np.uint8
    with Image.open(io.BytesIO(file)) as picture:
        np.testing.assert_array_equal(decoded.squeeze(), np.asarray(picture))


def test_error_of_a_flat_step_is_that_of_uniform_quantization():
    # Noise fills every coefficient, so their errors are uniform: step²/12, and the pixels' rounding.
    noisy = np.random.default_rng(0).integers(60, 190, (128, 128, 1)).astype("uint8")
    for qstep in (4, 10):
        codec = JPEG(qstep=qstep)
        error = codec.decode(codec.encode(noisy)).astype("float64") - noisy
        assert np.mean(error**2) == pytest.approx(qstep**2 / 12 + 1 / 12, rel=0.05)


def test_strength_is_the_step_or_the_distance_to_the_best_quality():
    assert JPEG(qstep=12).strength == 12
    assert JPEG(quality=75).strength == 26
    for codec in (JPEG(qstep=12, optimize=False), JPEG(quality=75, chroma_subsampling="4:2:0")):
        assert codec.with_strength(codec.strength) == codec
    stronger = JPEG(quality=75, chroma_subsampling="4:2:2", progressive=True).with_strength(91)
    assert stronger == JPEG(quality=10, chroma_subsampling="4:2:2", progressive=True)


@pytest.mark.parametrize("codec", [JPEG(qstep=1), JPEG(quality=100)])
def test_strength_grows_as_files_shrink(codec):
    sizes = [len(codec.with_strength(strength).encode(COLOUR)) for strength in (1, 5, 20, 60)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 4


def test_custom_tables_have_no_strength():
    codec = JPEG(tables=np.full((8, 8), 9))
    with pytest.raises(ValueError, match="no strength"):
        _ = codec.strength
    with pytest.raises(ValueError, match="no strength"):
        codec.with_strength(4)


def test_version_names_the_libraries():
    import PIL

    assert f"Pillow {PIL.__version__}" in JPEG().version
    assert JPEG(chroma_subsampling="4:2:0").name == "JPEG 4:2:0"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"qstep": 8, "quality": 50}, "one of"),
        ({"quality": 50, "tables": np.ones((8, 8))}, "one of"),
        ({"qstep": 0}, "qstep"),
        ({"qstep": 256}, "qstep"),
        ({"qstep": -3}, "qstep"),
        ({"qstep": 2.5}, "qstep"),
        ({"qstep": float("nan")}, "qstep"),
        ({"quality": 0}, "quality"),
        ({"quality": 101}, "quality"),
        ({"chroma_subsampling": "4:1:1"}, "chroma_subsampling"),
        ({"tables": np.ones((4, 16))}, "tables"),
        ({"tables": np.ones((3, 8, 8))}, "tables"),
        ({"tables": np.zeros((8, 8))}, "tables"),
        ({"tables": np.full((8, 8), 256)}, "tables"),
        ({"tables": np.full((8, 8), 1.5)}, "tables"),
    ],
)
def test_bad_settings(arguments, message):
    with pytest.raises(ValueError, match=message):
        JPEG(**arguments)


@pytest.mark.parametrize("strength", [0, 256, 0.4, 7.9])
def test_bad_strengths(strength):
    with pytest.raises(ValueError, match="qstep"):
        JPEG(qstep=8).with_strength(strength)


@pytest.mark.parametrize(
    "image",
    [
        GRAY[..., 0],
        GRAY.astype("float32"),
        GRAY.astype("int64"),
        np.repeat(GRAY, 2, axis=-1),
        np.repeat(GRAY, 4, axis=-1),
        GRAY[None],
        GRAY[:0],
    ],
    ids=["rank 2", "float32", "int64", "2 channels", "4 channels", "rank 4", "no rows"],
)
def test_bad_pictures(image):
    with pytest.raises(ValueError, match="uint8"):
        JPEG().encode(image)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("codec", [JPEG(), JPEG(progressive=True)], ids=["baseline", "progressive"])
def test_truncated_file(codec, share):
    file = codec.encode(COLOUR)
    with pytest.raises((ValueError, OSError)):
        codec.decode(file[: int(share * len(file))])


def test_foreign_files():
    buffer = io.BytesIO()
    Image.fromarray(COLOUR).save(buffer, "PNG")
    cmyk = io.BytesIO()
    Image.fromarray(COLOUR).convert("CMYK").save(cmyk, "JPEG")
    for data in (b"", b"not a picture", bytes(1000), buffer.getvalue(), cmyk.getvalue()):
        with pytest.raises((ValueError, OSError)):
            JPEG().decode(data)


def test_damaged_bytes_raise_only_what_is_promised():
    file = JPEG().encode(COLOUR)
    generator = np.random.default_rng(0)
    raised = 0
    for _ in range(200):
        damaged = bytearray(file)
        for place in generator.integers(2, len(file), 3):
            damaged[place] = generator.integers(256)
        try:
            JPEG().decode(bytes(damaged))
        except (ValueError, OSError):
            raised += 1
    assert raised > 0  # damage within the scan may go unnoticed, damage to the header may not


def test_without_pillow(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"keras-sandwich\[codecs\]"):
        JPEG().encode(GRAY)
