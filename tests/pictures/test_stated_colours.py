"""Metadata that change what pixels mean, written by other libraries or by hand, against colours computed in float64."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image
from tiff_files import RATIONAL, SHORT, tiff

import keras_sandwich as ks
from keras_sandwich.pictures import read_picture, read_srgb

# CIE xy of red, green, blue and white.
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.3127, 0.3290))
P3 = ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.3127, 0.3290))
BT2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), (0.3127, 0.3290))
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), (0.3127, 0.3290))


def muted():
    """Colours that lie within sRGB when they are taken for P3's or BT.2020's: nothing is clipped."""
    rows, columns = np.mgrid[:24, :40]
    phases = (rows / 4, columns / 6, (rows + columns) / 5)
    return np.stack([np.rint(128 + 30 * np.sin(phase)) for phase in phases], -1).astype("uint8")


def to_xyz(primaries):
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    return columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3])


def linear(values, gamma=None):
    if gamma is not None:
        return values**gamma
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def shown(pixels, primaries=SRGB, gamma=None):
    """Pixels of these colours as sRGB's, by the definition."""
    light = linear(pixels / 255.0, gamma) @ (np.linalg.inv(to_xyz(SRGB)) @ to_xyz(primaries)).T
    light = np.clip(light, 0, 1)
    values = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return 255 * values


def png(pixels, *chunks):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    data = buffer.getvalue()
    extra = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return data[:33] + extra + data[33:]


def chromaticities(primaries):
    points = (primaries[3], *primaries[:3])
    return struct.pack(">8I", *(round(value * 1e5) for point in points for value in point))


def avif(pixels, primaries, transfer):
    imagecodecs = pytest.importorskip("imagecodecs")
    return bytes(
        imagecodecs.avif_encode(
            pixels, 100, primaries=primaries, transfer=transfer, matrix=0, pixelformat="yuv444"
        )
    )


def heic(pixels, primaries, transfer):
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    pillow_heif.encode(
        "RGB",
        (pixels.shape[1], pixels.shape[0]),
        pixels.tobytes(),
        buffer,
        quality=-1,
        chroma=444,
        matrix_coefficients=0,
        color_primaries=primaries,
        transfer_characteristics=transfer,
        full_range_flag=1,
    )
    return buffer.getvalue()


def cicp(pixels, primaries, transfer):
    return png(pixels, (b"cICP", bytes([primaries, transfer, 0, 1])))


WRITERS = [cicp, avif, heic]


def read_both(folder, data):
    """What is coded with its profile, and what is trained on; no warning is wanted."""
    path = folder / "picture"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_picture(path), read_srgb(path)


def by_profile(source):
    """The pixels of a picture with a profile as a colour-managed viewer shows them: by Little CMS."""
    from PIL import ImageCms

    return np.asarray(
        ImageCms.profileToProfile(
            Image.fromarray(source.pixels),
            ImageCms.ImageCmsProfile(io.BytesIO(source.profile)),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        )
    ).astype(int)


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(
    ("primaries", "transfer", "colours", "gamma"),
    [
        (12, 13, P3, None),
        (9, 13, BT2020, None),
        (9, 14, BT2020, None),
        (12, 4, P3, 2.2),
        (1, 8, SRGB, 1.0),
    ],
)
def test_wide_colours_by_numbers_become_a_profile_or_srgb(
    tmp_path, write, primaries, transfer, colours, gamma
):
    pixels = muted()
    source, trained = read_both(tmp_path, write(pixels, primaries, transfer))
    assert np.array_equal(source.pixels, pixels)
    expected = shown(pixels.astype("float64"), colours, gamma)
    assert np.abs(expected - pixels).max() > 4  # not to be told from sRGB otherwise
    assert np.abs(by_profile(source) - expected).max() <= 1.5
    assert np.abs(trained - expected).max() <= 1.5


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(("primaries", "transfer"), [(1, 13), (1, 1), (2, 2), (1, 6), (2, 13)])
def test_srgb_by_numbers_is_left_alone(tmp_path, write, primaries, transfer):
    source, trained = read_both(tmp_path, write(muted(), primaries, transfer))
    assert source.profile is None
    assert np.array_equal(source.pixels, muted())
    assert np.array_equal(trained, muted())


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_high_dynamic_range_is_refused_in_words(tmp_path, write, transfer, name):
    path = tmp_path / "picture.png"
    path.write_bytes(write(muted(), 9, transfer))
    for read in (read_picture, read_srgb):
        with pytest.raises(ValueError, match=rf"high dynamic range, {name}.*map them to sRGB"):
            read(path)
    with pytest.raises(ValueError, match=f"high dynamic range, {name}"):
        ks.datasets.load_images(tmp_path)


@pytest.mark.parametrize("write", WRITERS)
def test_unknown_codes_are_refused(tmp_path, write):
    path = tmp_path / "picture"
    path.write_bytes(write(muted(), 10, 13))
    with pytest.raises(ValueError, match=r"primaries 10 and transfer 13 of ITU-T H.273"):
        read_picture(path)


@pytest.mark.parametrize(
    ("colours", "gamma"),
    [(P3, 1 / 2.2), (SRGB, 1 / 1.8), (SRGB, 1.0), (ADOBE, 1 / 2.2), (None, 1 / 1.8), (P3, None)],
)
def test_gamma_and_chromaticities_of_png_files(tmp_path, colours, gamma):
    chunks = []
    if gamma is not None:
        chunks.append((b"gAMA", struct.pack(">I", round(gamma * 1e5))))
    if colours is not None:
        chunks.append((b"cHRM", chromaticities(colours)))
    source, trained = read_both(tmp_path, png(muted(), *chunks))
    expected = shown(muted().astype("float64"), colours or SRGB, 1 / (gamma or 1 / 2.2))
    assert np.abs(by_profile(source) - expected).max() <= 1.5
    assert np.abs(trained - expected).max() <= 1.5
    assert np.abs(expected - muted()).max() > 4


def test_gamma_of_gray_png_files(tmp_path):
    gray = np.full((8, 8), 128, "uint8")
    source, trained = read_both(tmp_path, png(gray, (b"gAMA", struct.pack(">I", 100000))))
    assert source.profile is None
    assert np.abs(source.pixels.astype(int) - 188).max() <= 1
    assert np.abs(trained.astype(int) - 188).max() <= 1


@pytest.mark.parametrize(
    "chunks",
    [
        [(b"gAMA", struct.pack(">I", 45455))],
        [(b"gAMA", struct.pack(">I", 45455)), (b"cHRM", chromaticities(SRGB))],
        [(b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 100000)), (b"cHRM", chromaticities(P3))],
        [(b"gAMA", bytes(4))],
        [(b"cHRM", bytes(32))],
        [(b"cICP", bytes([1, 13, 0, 1])), (b"gAMA", struct.pack(">I", 100000))],
    ],
)
def test_png_files_of_srgb_are_left_alone(tmp_path, chunks):
    source, trained = read_both(tmp_path, png(muted(), *chunks))
    assert source.profile is None
    assert np.array_equal(trained, muted())


def test_the_order_of_what_a_png_file_says(tmp_path):
    from PIL import ImageCms

    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = (b"iCCP", b"a\0\0" + zlib.compress(srgb))
    source, trained = read_both(
        tmp_path, png(muted(), profile, (b"gAMA", struct.pack(">I", 100000)))
    )
    assert source.profile == srgb
    assert np.array_equal(trained, muted())
    source, _ = read_both(tmp_path, png(muted(), (b"cICP", bytes([12, 13, 0, 1])), profile))
    assert np.abs(by_profile(source) - shown(muted().astype("float64"), P3)).max() <= 1.5


def test_the_profile_of_a_picture_to_train_on_is_applied(tmp_path):
    """The same P3 by an ICC profile, in a folder beside sRGB: the loaders gave both as they stood."""
    from keras_sandwich.pictures.icc_profiles import Primaries, rgb_profile

    Image.fromarray(muted()).save(tmp_path / "srgb.png")
    Image.fromarray(muted()).save(
        tmp_path / "p3.png", icc_profile=rgb_profile(Primaries(*P3), None, "P3")
    )
    loaded = ks.datasets.load_images(tmp_path)
    assert np.array_equal(loaded["srgb"], muted())
    assert np.abs(loaded["p3"] - shown(muted().astype("float64"), P3)).max() <= 1.5


def exif(space, index=None):
    data = Image.Exif()
    data[0x8769] = {0xA001: space}
    if index is not None:
        data[0x8769] = {0xA001: space, 0xA005: {1: index}}
    return data.tobytes()


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".png"])
@pytest.mark.parametrize(("space", "index"), [(2, None), (0xFFFF, "R03")])
def test_adobe_rgb_by_exif(tmp_path, suffix, space, index):
    path = tmp_path / f"picture{suffix}"
    options = {"lossless": True} if suffix == ".webp" else {"quality": 100, "subsampling": 0}
    Image.fromarray(muted()).save(path, exif=exif(space, index), **options)
    source, trained = read_both(tmp_path, path.read_bytes())
    expected = shown(source.pixels.astype("float64"), ADOBE, 563 / 256)
    assert np.abs(by_profile(source) - expected).max() <= 1.5
    assert np.abs(trained - expected).max() <= 1.5
    assert np.abs(expected - source.pixels).max() > 4


def test_exif_of_srgb_says_nothing_new_and_uncalibrated_is_warned_of(tmp_path):
    path = tmp_path / "picture.webp"
    Image.fromarray(muted()).save(path, exif=exif(1), lossless=True)
    source, trained = read_both(tmp_path, path.read_bytes())
    assert source.profile is None
    assert np.array_equal(trained, muted())
    Image.fromarray(muted()).save(path, exif=exif(0xFFFF), lossless=True)
    for read in (read_picture, read_srgb):
        with pytest.warns(UserWarning, match="uncalibrated"):
            read(path)


def test_colours_of_tiff_tags_are_warned_of(tmp_path):
    path = tmp_path / "picture.tif"
    points = [value for point in P3[:3] for value in point]
    same = [value for point in SRGB[:3] for value in point]
    path.write_bytes(tiff(muted(), 8, 2, {318: (RATIONAL, P3[3]), 319: (RATIONAL, same)}))
    assert read_picture(path).profile is None
    for tags in ({319: (RATIONAL, points)}, {301: (SHORT, list(range(256)) * 3)}):
        path.write_bytes(tiff(muted(), 8, 2, tags))
        for read in (read_picture, read_srgb):
            with pytest.warns(UserWarning, match="TIFF tags of primaries and transfer function"):
                read(path)


def bitmap(pixels, space, profile=b"", gammas=(0, 0, 0)):
    """A BMP file with a BITMAPV5HEADER."""
    height, width, _ = pixels.shape
    rows = np.zeros((height, -(-3 * width // 4) * 4), "uint8")
    rows[:, : 3 * width] = pixels[::-1, :, ::-1].reshape(height, -1)
    header = struct.pack("<IiiHHIIiiII", 124, width, height, 1, 24, 0, rows.size, 0, 0, 0, 0)
    header += bytes(16) + space + bytes(36) + struct.pack("<3I", *gammas)
    header += struct.pack("<IIII", 4, 124 + rows.size, len(profile), 0)
    start = 14 + 124
    return (
        b"BM" + struct.pack("<IHHI", start + rows.size + len(profile), 0, 0, start) + header
        + rows.tobytes() + profile
    )  # fmt: skip


def test_colours_of_bmp_files(tmp_path):
    from keras_sandwich.pictures.icc_profiles import Primaries, rgb_profile

    profile = rgb_profile(Primaries(*P3), None, "P3")
    source, trained = read_both(tmp_path, bitmap(muted(), b"DEBM", profile))
    assert source.profile == profile
    assert np.array_equal(source.pixels, muted())
    assert np.abs(trained - shown(muted().astype("float64"), P3)).max() <= 1.5
    source, trained = read_both(tmp_path, bitmap(muted(), b"BGRs"))
    assert source.profile is None
    assert np.array_equal(trained, muted())
    read_both(tmp_path, bitmap(muted(), bytes(4)))
    for data in (bitmap(muted(), bytes(4), gammas=(65536,) * 3), bitmap(muted(), b"KNIL")):
        (tmp_path / "picture").write_bytes(data)
        with pytest.warns(UserWarning, match="BMP header"):
            read_picture(tmp_path / "picture")


def test_the_profile_of_a_jpeg_2000_file(tmp_path):
    from keras_sandwich.pictures.icc_profiles import Primaries, rgb_profile

    profile = rgb_profile(Primaries(*P3), None, "P3")
    file = ks.codecs.JPEG2000(lossless=True).encode(muted())
    at = file.index(b"jp2h") - 4
    old = file[at : at + int.from_bytes(file[at : at + 4])]
    colour = old.index(b"colr") - 4
    box = struct.pack(">I", 11 + len(profile)) + b"colr\2\0\0" + profile
    new = old[:colour] + box
    new = struct.pack(">I", len(new)) + new[4:]
    source, trained = read_both(tmp_path, file[:at] + new + file[at + len(old) :])
    assert source.profile == profile
    assert np.abs(trained - shown(muted().astype("float64"), P3)).max() <= 1.5


@pytest.mark.parametrize(
    "segment",
    [
        b"\xff\xe1"
        + struct.pack(">H", 2 + 60)
        + b'http://ns.adobe.com/xap/1.0/\0 hdrgm:Version="1.0"'.ljust(60),
        b"\xff\xe2" + struct.pack(">H", 2 + 40) + b"urn:iso:std:iso:ts:21496:-1\0".ljust(40, b"\0"),
    ],
)
def test_gain_maps_are_warned_of(tmp_path, segment):
    buffer = io.BytesIO()
    Image.fromarray(muted()).save(buffer, "JPEG")
    path = tmp_path / "a.jpg"
    path.write_bytes(buffer.getvalue()[:2] + segment + buffer.getvalue()[2:])
    for read in (read_picture, read_srgb):
        with pytest.warns(UserWarning, match="HDR gain map is left out"):
            read(path)
