"""Every depth from 1 to 32 bits, gray and colour, by both readers, against samples that were written by hand."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from tiff_files import SHORT, tiff

import keras_sandwich as ks
from keras_sandwich.pictures import read_picture, read_srgb
from keras_sandwich.pictures.png_chunks import SIGNATURE

EXTRA_SAMPLES, SAMPLE_FORMAT, PLANAR, SUBFILE = 338, 339, 284, 254
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, SEPARATED = 0, 1, 2, 3, 5


def levels(bits, channels=1, height=5, width=7):
    """Every level that matters: the ends, and whatever lies between."""
    found = np.random.default_rng(bits).integers(0, 2**bits, (height, width, channels))
    found[0, 0], found[-1, -1] = 0, 2**bits - 1
    return found


def both(folder, data, name="picture.tif", **options):
    """What `encode_file` codes and what is trained on, which must be the same."""
    (folder / name).write_bytes(data)
    pixels = read_picture(folder / name, **options).pixels
    assert np.array_equal(read_srgb(folder / name), pixels)
    return pixels


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("photometric", [WHITE_IS_ZERO, BLACK_IS_ZERO])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 12, 16])
def test_gray_tiff_files(tmp_path, bits, photometric, order):
    stored = levels(bits)
    shown = stored if photometric == BLACK_IS_ZERO else 2**bits - 1 - stored
    data = tiff(stored, bits, photometric, order=order)
    unknown = {(12, WHITE_IS_ZERO, "<"), (12, WHITE_IS_ZERO, ">"), (12, BLACK_IS_ZERO, ">")}
    if (bits, photometric, order) in unknown | {(16, WHITE_IS_ZERO, ">")}:  # to Pillow
        (tmp_path / "picture.tif").write_bytes(data)
        for read in (read_picture, read_srgb):
            with pytest.raises(ValueError, match="not of a format that is read"):
                read(tmp_path / "picture.tif")
        return
    pixels = both(tmp_path, data)
    assert np.array_equal(pixels[..., 1:2], np.rint(shown * (255 / (2**bits - 1))))
    deep = read_picture(tmp_path / "picture.tif", 1, num_truncate_bits=8).pixels
    assert np.array_equal(deep, np.rint(shown * (65280 / (2**bits - 1))))


@pytest.mark.parametrize(
    ("bits", "tags", "reason"),
    [
        (32, {}, "32 bits of gray, of which 8, 12 and 16 are read"),
        (8, {SAMPLE_FORMAT: (SHORT, [2])}, "signed"),
        (16, {SAMPLE_FORMAT: (SHORT, [2])}, "signed"),
        (32, {SAMPLE_FORMAT: (SHORT, [2])}, "signed"),
        (32, {SAMPLE_FORMAT: (SHORT, [3])}, "floating-point"),
    ],
)
def test_tiff_files_whose_range_is_not_known_are_refused_by_both(tmp_path, bits, tags, reason):
    (tmp_path / "picture.tif").write_bytes(tiff(levels(bits), bits, BLACK_IS_ZERO, tags))
    for read in (read_picture, read_srgb):
        with pytest.raises(ValueError, match=reason):
            read(tmp_path / "picture.tif")
    with pytest.raises(ValueError, match=reason):
        ks.datasets.load_images(tmp_path)
    with pytest.raises(ValueError, match=reason):
        ks.datasets.image_folder(tmp_path, crop_size=4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 16])
def test_colour_tiff_files(tmp_path, bits, order):
    stored = levels(bits, 3)
    pixels = both(tmp_path, tiff(stored, bits, RGB, order=order))
    assert np.array_equal(pixels, np.rint(stored * (255 / (2**bits - 1))))
    deep = read_picture(tmp_path / "picture.tif", num_truncate_bits=8).pixels
    assert np.array_equal(deep, np.rint(stored * (65280 / (2**bits - 1))))


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_compressed_sixteen_bits_by_another_library(tmp_path, compression, order):
    tifffile = pytest.importorskip("tifffile")
    pytest.importorskip("imagecodecs")
    stored, buffer = levels(16, 3), io.BytesIO()
    tifffile.imwrite(
        buffer,
        stored.astype("uint16"),
        photometric="rgb",
        byteorder=order,
        compression=compression.removeprefix("tiff_"),
        predictor=True,
    )
    pixels = both(tmp_path, buffer.getvalue())
    assert np.array_equal(pixels, np.rint(stored / 257))
    deep = read_picture(tmp_path / "picture.tif", num_truncate_bits=8).pixels
    assert np.array_equal(deep, np.rint(stored * (65280 / 65535)))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("extra", [0, 1, 2])  # unspecified, associated and unassociated alpha
def test_the_fourth_sample_of_a_tiff_file(tmp_path, bits, extra):
    peak = 2**bits - 1
    stored = levels(bits, 4)
    colours, alpha = stored[..., :3].copy(), stored[..., 3:]
    alpha[...] = np.maximum(alpha, peak // 3)
    if extra == 1:
        stored[..., :3] = np.rint(colours * (alpha / peak))
    data = tiff(stored, bits, RGB, {EXTRA_SAMPLES: (SHORT, [extra])})
    path = tmp_path / "picture.tif"
    path.write_bytes(data)
    shown = colours * (255 / peak)
    close = (
        2 if extra == 1 else 0.5 + 1e-9
    )  # multiplied colours were rounded, by up to three levels' third
    assert np.abs(read_srgb(path) - shown).max() <= close
    if extra == 0:
        assert np.abs(read_picture(path).pixels - shown).max() <= close
        return
    with pytest.raises(ValueError, match="transparent pixels"):
        read_picture(path)
    share = alpha / peak
    expected = shown * share + np.array([250, 100, 0]) * (1 - share)
    found = read_picture(path, background=(250, 100, 0)).pixels
    assert np.abs(found - expected).max() <= 1.5


def test_sixteen_bits_in_uncompressed_planes_are_refused(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    path = tmp_path / "picture.tif"
    planes = np.moveaxis(levels(16, 3), -1, 0).astype("uint16")
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate")
    for read in (read_picture, read_srgb):
        with pytest.raises(ValueError, match="uncompressed planes"):
            read(path)


def test_sixteen_bits_of_ink(tmp_path):
    stored = levels(16, 4)
    pixels = both(tmp_path, tiff(stored, 16, SEPARATED))
    # Pillow's conversion without a profile, of levels that are rounded rightly.
    rounded = np.rint(stored / 257).astype("uint8")
    expected = np.asarray(Image.fromarray(rounded, "CMYK").convert("RGB"))
    assert np.array_equal(pixels, expected)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_of_tiff_files(tmp_path, bits):
    colours = np.random.default_rng(1).integers(0, 256, (2**bits, 3))
    stored = levels(bits)
    table = (320, (SHORT, (colours.T.ravel() * 257).tolist()))
    pixels = both(tmp_path, tiff(stored, bits, PALETTE, dict([table])))
    assert np.array_equal(pixels, colours[stored[..., 0]])


# First row and column of each pass of Adam7, and its steps: PNG 8.2.
PASSES = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)


def png(stored, bits, colour_type, *chunks, interlaced=False):
    """A PNG file without filters: PNG (third edition), 5 and 9."""

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    height, width, _ = stored.shape
    body = b""
    for top, left, down, across in PASSES if interlaced else ((0, 0, 1, 1),):
        part = stored[top::down, left::across]
        digits = (
            part.reshape(len(part), -1)[..., None].astype("int64") >> np.arange(bits)[::-1]
        ) & 1
        rows = np.packbits(digits.reshape(len(part), -1).astype("uint8"), axis=1)
        body += b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, interlaced)
    middle = b"".join(chunk(kind, content) for kind, content in chunks)
    return (
        SIGNATURE
        + chunk(b"IHDR", header)
        + middle
        + chunk(b"IDAT", zlib.compress(body))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_gray_png_files(tmp_path, bits):
    stored = levels(bits)
    pixels = both(tmp_path, png(stored, bits, 0), "picture.png")
    assert np.array_equal(pixels[..., 1:2], np.rint(stored * (255 / (2**bits - 1))))


@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_sixteen_bits_of_every_png_file(tmp_path, colour_type, channels):
    stored = levels(16, channels)
    if channels in (2, 4):
        stored[..., -1] = 65535
    shown = np.broadcast_to(stored[..., : 1 if channels < 3 else 3], (5, 7, 3))
    pixels = both(tmp_path, png(stored, 16, colour_type), "picture.png")
    assert np.array_equal(pixels, np.rint(shown / 257))
    deep = read_picture(tmp_path / "picture.png", num_truncate_bits=8).pixels
    assert np.array_equal(deep, np.rint(shown * (65280 / 65535)))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3), (6, 4)])
def test_the_narrow_range_of_a_png_file(tmp_path, bits, colour_type, channels):
    """cICP whose last byte is 0: black is 16 and white 235 of 255, ITU-T H.273, 8.3."""
    unit, peak = 2 ** (bits - 8), 2**bits - 1
    stored = levels(bits, channels)
    stored[0, :4, 0] = [16 * unit, 235 * unit, 0, peak]
    colours = stored[..., : 1 if channels == 1 else 3]
    if channels == 4:
        stored[..., 3] = peak  # else the alpha of 235 would be opaque
    cicp = (b"cICP", bytes([1, 13, 0, 0]))
    pixels = both(tmp_path, png(stored, bits, colour_type, cicp), "picture.png")
    assert list(pixels[0, :4, 0]) == [0, 255, 0, 255]
    expected = np.clip((colours.astype("float64") / unit - 16) * (255 / 219), 0, 255)
    assert np.abs(pixels - expected).max() <= 0.51
    deep = read_picture(tmp_path / "picture.png", num_truncate_bits=4).pixels
    assert np.abs(deep / 16 - expected).max() <= (0.51 if bits == 8 else 0.04)


def test_filtered_sixteen_bits_by_another_library(tmp_path):
    imagecodecs = pytest.importorskip("imagecodecs")
    ramp = np.linspace(0, 65535, 40 * 30 * 3).reshape(40, 30, 3).astype("uint16")
    file = bytes(imagecodecs.png_encode(ramp, 6))
    assert np.array_equal(both(tmp_path, file, "picture.png"), np.rint(ramp / 257))


def test_interlaced_sixteen_bits(tmp_path):
    stored = levels(16, 3, 21, 19)
    pixels = both(tmp_path, png(stored, 16, 2, interlaced=True), "picture.png")
    assert np.array_equal(pixels, np.rint(stored / 257))


@pytest.mark.parametrize("deep", [0, 4])
@pytest.mark.parametrize(
    ("bits", "colour_type"), [(1, 0), (2, 0), (4, 0), (8, 0), (16, 0), (8, 2), (16, 2)]
)
def test_the_transparent_level_of_a_png_file(tmp_path, bits, colour_type, deep):
    channels = 1 if colour_type == 0 else 3
    stored = levels(bits, channels)
    key = tuple(int(level) for level in stored[2, 3])
    transparent = (b"tRNS", struct.pack(f">{channels}H", *key))
    path = tmp_path / "picture.png"
    path.write_bytes(png(stored, bits, colour_type, transparent))
    with pytest.raises(ValueError, match="transparent pixels"):
        read_picture(path, num_truncate_bits=deep)
    keyed = (stored == key).all(axis=-1)
    assert 0 < keyed.sum() < keyed.size
    shown = np.broadcast_to(stored * (255 / (2**bits - 1)), (5, 7, 3)).copy()
    shown[keyed] = (250, 100, 0)
    found = read_picture(path, 3, deep, background=(250, 100, 0)).pixels
    assert np.abs(found / 2**deep - shown).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("peak", [1, 15, 254, 255, 256, 1000, 65534, 65535])
@pytest.mark.parametrize("kind", [b"P2", b"P3", b"P5", b"P6"])
def test_portable_maps_of_every_peak(tmp_path, kind, peak):
    channels = 3 if kind in (b"P3", b"P6") else 1
    stored = np.random.default_rng(peak).integers(0, peak + 1, (5, 7, channels))
    if kind in (b"P2", b"P3"):
        body = " ".join(map(str, stored.ravel().tolist())).encode() + b"\n"
    else:
        body = stored.astype(">u2" if peak > 255 else "u1").tobytes()
    data = kind + b"\n# by hand\n7 5\n" + str(peak).encode() + b"\n" + body
    pixels = both(tmp_path, data, "picture.ppm")
    assert np.abs(pixels - stored * (255 / peak)).max() <= 0.5 + 1e-9
    deep = read_picture(tmp_path / "picture.ppm", num_truncate_bits=8).pixels
    if peak > 255:
        assert np.abs(deep - stored * (65280 / peak)).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [4, 8, 10, 12, 16])
def test_jpeg_2000_files_of_another_library(tmp_path, bits, channels):
    imagecodecs = pytest.importorskip("imagecodecs")
    stored = levels(bits, channels, 16, 16)
    samples = stored.astype("uint8" if bits <= 8 else "uint16")
    file = imagecodecs.jpeg2k_encode(
        samples[..., 0] if channels == 1 else samples,
        codecformat="jp2",
        bitspersample=bits,
        reversible=True,
        mct=False,
    )
    pixels = both(tmp_path, bytes(file), "picture.jp2")
    assert np.array_equal(
        pixels, np.broadcast_to(np.rint(stored * (255 / (2**bits - 1))), (16, 16, 3))
    )


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_heic_files_of_another_library(tmp_path, bits, channels):
    pillow_heif = pytest.importorskip("pillow_heif")
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    stored = np.broadcast_to(
        np.linspace(0, 2**bits - 1, 32).round().astype("uint16")[:, None, None], (32, 32, channels)
    ).copy()
    if channels == 4:
        stored[..., 3] = 2**bits - 1
    samples = stored.astype("uint8") if bits == 8 else stored << (16 - bits)
    buffer = io.BytesIO()
    pillow_heif.encode(
        mode if bits == 8 else f"{mode};16",
        (32, 32),
        samples.tobytes(),
        buffer,
        quality=-1,  # lossless
        chroma=444,
        matrix_coefficients=0,
        **({} if bits == 8 else {"bit_depth": bits}),
    )
    pixels = both(tmp_path, buffer.getvalue(), "picture.heic")
    expected = np.broadcast_to(np.rint(stored[..., :3] * (255 / (2**bits - 1))), (32, 32, 3))
    assert np.abs(pixels - expected).max() <= (1 if channels == 1 else 0)
    deep = read_picture(tmp_path / "picture.heic", num_truncate_bits=bits - 8).pixels
    scale = 255 * 2 ** (bits - 8) / (2**bits - 1)
    assert np.abs(deep - np.rint(stored[..., :3] * scale)).max() <= (1 if channels == 1 else 0)


@pytest.mark.parametrize("bits", [10, 12])
def test_avif_files_of_another_library(tmp_path, bits):
    imagecodecs = pytest.importorskip("imagecodecs")
    stored = levels(bits, 3, 16, 16).astype("uint16")
    file = imagecodecs.avif_encode(stored, 100, bitspersample=bits, pixelformat="yuv444", matrix=0)
    path = tmp_path / "picture.avif"
    path.write_bytes(file)
    deep = read_picture(path, num_truncate_bits=bits - 8).pixels
    assert np.array_equal(deep, np.rint(stored * (255 * 2 ** (bits - 8) / (2**bits - 1))))
    assert np.abs(both(tmp_path, file, "a.avif") - stored * (255 / (2**bits - 1))).max() <= 1


def test_modes_that_are_no_gray_and_no_colours_are_refused(tmp_path):
    path = tmp_path / "lab.tif"
    path.write_bytes(tiff(levels(8, 3), 8, photometric=8))
    for read in (read_picture, read_srgb):
        with pytest.raises(ValueError, match="LAB are not read"):
            read(path)
