import io
import struct
import zlib

import numpy as np
import pytest
from photographs import photographs
from PIL import Image, ImageCms
from tiff_files import tiff

import keras_sandwich as ks
from keras_sandwich.pictures import read_picture
from keras_sandwich.pictures.png_chunks import SIGNATURE
from keras_sandwich.pictures.raster import Raster

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def photograph():
    return photographs(1, 24, 40)[0]


def saved(folder, picture, suffix=".png", **options):
    path = folder / f"picture{suffix}"
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(
        path, **options
    )
    return path


def fake_profile(space):
    """A profile by its header's colour space alone, as far as this package looks at it."""
    return SRGB[:16] + space.encode() + SRGB[20:]


def test_colour_comes_as_it_is_with_its_profile(tmp_path):
    source = read_picture(saved(tmp_path, photograph(), icc_profile=SRGB))
    assert np.array_equal(source.pixels, photograph())
    assert source.profile == SRGB


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16"])
def test_other_modes_show_the_same_colours(tmp_path, mode):
    gray = photograph()[..., 1]
    shown = np.repeat(gray[..., None], 3, axis=-1)
    picture = Image.fromarray(gray)
    if mode == "1":
        shown = np.where(shown > 127, 255, 0).astype("uint8")
        picture = Image.fromarray(shown[..., 0]).convert("1", dither=Image.Dither.NONE)
    elif mode == "I;16":
        picture = Image.fromarray(gray.astype("uint16") * 257)
    elif mode != "L":
        picture = picture.convert(mode)
    path = saved(tmp_path, picture)
    assert Image.open(path).mode == mode
    source = read_picture(path)
    assert np.array_equal(source.pixels, shown)
    assert source.pixels.dtype == np.uint8


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_every_orientation_is_applied(tmp_path, orientation, suffix):
    # Eight flat quarters of a picture, so that JPEG keeps them.
    upright = np.zeros((32, 64, 3), "uint8")
    upright[:16, :32], upright[:16, 32:], upright[16:, :32] = (
        (240, 20, 20),
        (20, 240, 20),
        (20, 20, 240),
    )
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, 3),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, np.ascontiguousarray(stored), suffix, exif=exif, quality=95)
    pixels = read_picture(path).pixels.astype(int)
    assert pixels.shape == upright.shape
    assert np.abs(pixels - upright)[4:-4, 4:-4].mean() < 8
    deep = np.ascontiguousarray(stored).astype("uint16") * 257
    if suffix == ".png":
        turned = Raster(deep, 65535).turned(orientation).levels
        assert np.array_equal(turned, upright.astype("uint16") * 257)


def test_damaged_exif_data_do_not_hide_the_picture(tmp_path):
    path = saved(
        tmp_path, photograph(), ".jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\xff" * 40
    )
    assert read_picture(path).pixels.shape == (24, 40, 3)


def test_opaque_alpha_is_dropped(tmp_path):
    opaque = np.concatenate([photograph(), np.full((24, 40, 1), 255, "uint8")], axis=-1)
    assert np.array_equal(read_picture(saved(tmp_path, opaque)).pixels, photograph())


def test_transparency_is_refused_or_laid_on_a_background(tmp_path):
    alpha = np.full((24, 40, 1), 255, "uint8")
    alpha[:, :20] = 0
    alpha[0, 30] = 128
    path = saved(tmp_path, np.concatenate([photograph(), alpha], axis=-1))
    with pytest.raises(ValueError, match=r"transparent pixels.*background"):
        read_picture(path)
    pixels = read_picture(path, background="white").pixels
    assert (pixels[:, :20] == 255).all()
    assert np.array_equal(pixels[1:, 20:], photograph()[1:, 20:])
    half = photograph()[0, 30] * (128 / 255) + 255 * (127 / 255)
    assert np.abs(pixels[0, 30] - half).max() <= 1
    for same in (0xFFFFFF, "#ffffff00", "#fff", (255, 255, 255)):
        assert np.array_equal(read_picture(path, background=same).pixels, pixels)
    opaque = saved(tmp_path, photograph())
    for background in ("no colour", (1, 2)):
        with pytest.raises(ValueError, match="cannot be read"):
            read_picture(opaque, background=background)


def test_transparency_of_a_palette_counts(tmp_path):
    picture = Image.fromarray(photograph()).quantize(16)
    path = saved(tmp_path, picture, transparency=picture.getpixel((0, 0)))
    with pytest.raises(ValueError, match="transparent pixels"):
        read_picture(path)


def test_cmyk_is_converted_by_its_profile_which_is_not_kept(tmp_path, monkeypatch):
    # No CMYK profile is at hand: that Pillow is asked for the conversion, with what, is what can be tested.
    asked = {}

    def convert(picture, profile, output, **options):
        asked.update(mode=picture.mode, profile=profile, options=options)
        return picture.convert("RGB")

    monkeypatch.setattr(ImageCms, "profileToProfile", convert)
    monkeypatch.setattr(ImageCms, "ImageCmsProfile", lambda stream: stream.read())
    picture = Image.fromarray(photograph()).convert("CMYK")
    source = read_picture(
        saved(tmp_path, picture, ".jpg", quality=95, icc_profile=fake_profile("CMYK"))
    )
    assert asked["mode"] == "CMYK"
    assert asked["profile"] == fake_profile("CMYK")
    assert asked["options"]["outputMode"] == "RGB"
    assert source.profile is None
    assert np.abs(source.pixels.astype(int) - photograph()).mean() < 6


def test_a_cmyk_profile_that_is_damaged_is_said(tmp_path):
    picture = Image.fromarray(photograph()).convert("CMYK")
    path = saved(tmp_path, picture, ".jpg", quality=95, icc_profile=fake_profile("CMYK")[:200])
    with pytest.warns(UserWarning, match="cannot be used"):
        source = read_picture(path)
    assert source.profile is None


def deep_gray_and_alpha(level, profile):
    """A PNG file of one colour, 16 bits, opaque: PNG 11.2.2, 11.3.2.3."""
    rows = (b"\0" + (level.to_bytes(2, "big") + b"\xff\xff") * 8) * 8

    def chunk(kind, body):
        return (
            len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        )

    header = struct.pack(">IIBBBBB", 8, 8, 16, 4, 0, 0, 0)
    colours = chunk(b"iCCP", b"gray\0\0" + zlib.compress(profile))
    data = chunk(b"IHDR", header) + colours + chunk(b"IDAT", zlib.compress(rows))
    return SIGNATURE + data + chunk(b"IEND", b"")


def gray_with_a_profile(folder, kind):
    """A file of a kind of gray, half of white in linear light."""
    gray, options = np.full((8, 8), 128, "uint8"), {}
    if kind == "LA;16":
        path = folder / "picture.png"
        path.write_bytes(deep_gray_and_alpha(128 * 257, linear_gray_profile()))
        return path
    picture = Image.fromarray(gray.astype("uint16") * 257 if kind == "I;16" else gray)
    if kind == "LA":
        picture = picture.convert("LA")
    elif kind == "L with a transparent level":
        options["transparency"] = 7
    return saved(folder, picture, icc_profile=linear_gray_profile(), **options)


@pytest.mark.parametrize("kind", ["L", "LA", "L with a transparent level", "I;16", "LA;16"])
def test_a_gray_profile_brings_gray_to_srgb(tmp_path, kind):
    # Linear light: gray 0.5 is sRGB 188.
    source = read_picture(gray_with_a_profile(tmp_path, kind))
    assert source.profile is None
    assert np.abs(source.pixels.astype(int) - 188).max() <= 2


def test_gray_with_a_profile_and_transparent_pixels(tmp_path):
    picture = Image.fromarray(np.full((8, 8), 128, "uint8")).convert("LA")
    picture.paste((128, 0), (0, 0, 4, 8))
    path = saved(tmp_path, picture, icc_profile=linear_gray_profile())
    with pytest.raises(ValueError, match="transparent pixels"):
        read_picture(path)
    pixels = read_picture(path, background=(10, 20, 30)).pixels
    assert (pixels[:, :4] == (10, 20, 30)).all()
    assert np.abs(pixels[:, 4:].astype(int) - 188).max() <= 2
    deep = Image.fromarray(np.full((8, 8), 514, "uint16"))
    path = saved(tmp_path, deep, icc_profile=linear_gray_profile(), transparency=514)
    with pytest.raises(ValueError, match="transparent pixels"):
        read_picture(path)
    assert (read_picture(path, background=(10, 20, 30)).pixels == (10, 20, 30)).all()


@pytest.mark.parametrize("kind", ["I;16", "LA;16", "TIFF"])
def test_a_gray_profile_at_sixteen_bits_is_said_to_be_left_out(tmp_path, kind):
    if kind == "TIFF":
        deep = Image.fromarray(np.full((8, 8), 128 * 257, "uint16"))
        path = saved(tmp_path, deep, ".tif", icc_profile=linear_gray_profile())
    else:
        pytest.importorskip("imagecodecs")
        path = gray_with_a_profile(tmp_path, kind)
    with pytest.warns(UserWarning, match="is not applied at 16 bits"):
        source = read_picture(path, num_truncate_bits=4)
    assert source.profile is None
    assert (source.pixels == 128 * 16).all()


def linear_gray_profile():
    """A grayscale ICC profile (version 2) whose curve is the identity: ICC.1:2001, sections 6.1 and 6.5."""

    def tag(signature, body):
        return signature + b"\0\0\0\0" + body

    white = tag(b"XYZ ", bytes.fromhex("0000f6d6000100000000d32d"))
    curve = tag(b"curv", (0).to_bytes(4, "big"))
    text = tag(b"desc", (7).to_bytes(4, "big") + b"linear\0" + bytes(78))
    text += bytes(-len(text) % 4)
    right = tag(b"text", b"none\0\0\0\0")
    entries, body, place = [], b"", 128 + 4 + 4 * 12
    for name, data in ((b"desc", text), (b"wtpt", white), (b"kTRC", curve), (b"cprt", right)):
        entries.append(name + (place + len(body)).to_bytes(4, "big") + len(data).to_bytes(4, "big"))
        body += data
    table = len(entries).to_bytes(4, "big") + b"".join(entries)
    header = bytes(8) + b"\x02\x10\0\0" + b"mntrGRAYXYZ " + bytes(12) + b"acsp" + bytes(28)
    header += bytes.fromhex("0000f6d6000100000000d32d") + bytes(48)
    profile = header + table + body
    return len(profile).to_bytes(4, "big") + profile[4:]


def test_a_profile_of_other_colours_is_not_kept(tmp_path):
    assert read_picture(saved(tmp_path, photograph()[..., 0], icc_profile=SRGB)).profile is None
    assert (
        read_picture(saved(tmp_path, photograph(), icc_profile=fake_profile("CMYK"))).profile
        is None
    )


def test_a_gray_network_takes_gray_pictures_alone(tmp_path):
    with pytest.raises(ValueError, match="has colours"):
        read_picture(saved(tmp_path, photograph()), channels=1)
    gray = photograph()[..., 1]
    source = read_picture(saved(tmp_path, gray), channels=1)
    assert np.array_equal(source.pixels, gray[..., None])


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_at_the_depth_of_the_network(tmp_path, channels):
    imagecodecs = pytest.importorskip("imagecodecs")
    levels = np.random.default_rng(0).integers(0, 65536, (8, 9, channels)).astype("uint16")
    path = tmp_path / "deep.png"
    path.write_bytes(imagecodecs.png_encode(levels[..., 0] if channels == 1 else levels))
    deep = read_picture(path, num_truncate_bits=4).pixels
    assert deep.dtype == np.uint16
    assert np.array_equal(deep, np.broadcast_to(np.rint(levels * (255 * 16 / 65535)), deep.shape))


def test_eight_bits_for_a_deep_network(tmp_path):
    pixels = read_picture(saved(tmp_path, photograph()), num_truncate_bits=2).pixels
    assert np.array_equal(pixels, photograph().astype(int) * 4)


def test_sixteen_gray_bits_of_a_tiff_file(tmp_path):
    levels = np.array([[0, 257, 65535]], "uint16")
    path = saved(tmp_path, Image.fromarray(levels), ".tif")
    assert read_picture(path, num_truncate_bits=8).pixels[0, :, 0].tolist() == [0, 256, 65280]
    assert read_picture(path).pixels[0, :, 0].tolist() == [0, 1, 255]


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_animations_are_refused(tmp_path, suffix):
    frames = [Image.fromarray(photograph()), Image.fromarray(255 - photograph())]
    path = saved(tmp_path, frames[0], suffix, save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="2 frames"):
        read_picture(path)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_truncated_pictures_are_refused(tmp_path, suffix, share):
    path = saved(tmp_path, photographs(1, 64, 64)[0], suffix)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ValueError, match="cannot be read"):
        read_picture(path)


def test_what_is_no_picture(tmp_path):
    (tmp_path / "a.png").write_bytes(b"not a picture")
    with pytest.raises(ValueError, match=r"a\.png' cannot be read: it is not of a format"):
        read_picture(tmp_path / "a.png")
    with pytest.raises(FileNotFoundError):
        read_picture(tmp_path / "b.png")
    with pytest.raises(ValueError, match="floating-point"):
        read_picture(saved(tmp_path, np.zeros((4, 4), "float32"), ".tif"))


def test_many_pixels_are_read_without_a_warning_and_without_changing_pillow(
    tmp_path, monkeypatch, recwarn
):
    path = saved(tmp_path, np.zeros((30, 50, 3), "uint8"))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # as 100 megapixels to the usual limit
    assert read_picture(path).pixels.shape == (30, 50, 3)
    assert not recwarn
    assert Image.MAX_IMAGE_PIXELS == 1000
    with pytest.warns(Image.DecompressionBombWarning):
        Image.open(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with pytest.raises(ValueError, match="decompression bomb"):
        read_picture(path)


def test_heic_pictures_are_read_upright(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(np.ascontiguousarray(np.rot90(photograph())))
    pillow_heif.from_pillow(stored).save(buffer, quality=95, exif=exif.tobytes())
    (tmp_path / "a.heic").write_bytes(buffer.getvalue())
    pixels = read_picture(tmp_path / "a.heic").pixels
    assert pixels.shape == photograph().shape
    assert np.abs(pixels.astype(int) - photograph()).mean() < 6


def test_programs_are_not_read_as_pictures(tmp_path):
    program = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    (tmp_path / "a.png").write_bytes(program)
    assert Image.open(tmp_path / "a.png").format == "EPS"
    with pytest.raises(ValueError, match=r"not of a format that is read: .*JPEG.*PNG.*TIFF"):
        read_picture(tmp_path / "a.png")


def tiff_of_colours(pixels: np.ndarray) -> bytes:
    return tiff(pixels, 8 * pixels.dtype.itemsize, photometric=2)


def portable_pixmap(pixels: np.ndarray) -> bytes:
    height, width, _ = pixels.shape
    most = 255 if pixels.dtype == np.uint8 else 65535
    header = f"P6\n# a comment\n{width} {height}\n{most}\n".encode()
    return header + pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()


def jpeg_2000(pixels: np.ndarray) -> bytes:
    bits = 8 if pixels.dtype == np.uint8 else 12
    return ks.codecs.JPEG2000(lossless=True, bits=bits).encode(pixels if bits == 8 else pixels >> 4)


@pytest.mark.parametrize("write", [tiff_of_colours, portable_pixmap, jpeg_2000])
def test_deep_colours_keep_their_depth(tmp_path, write):
    path = tmp_path / "picture"
    path.write_bytes(write(photograph()))
    scaled = np.rint(photograph() * 16.0)
    assert np.array_equal(read_picture(path, num_truncate_bits=4).pixels, scaled)
    deep = np.random.default_rng(0).integers(0, 65536, (24, 40, 3)).astype("uint16")
    path.write_bytes(write(deep))
    levels, peak = (deep >> 4, 4095) if write is jpeg_2000 else (deep, 65535)
    assert np.array_equal(read_picture(path).pixels, np.rint(levels * (255 / peak)))
    found = read_picture(path, num_truncate_bits=4).pixels
    assert np.array_equal(found, np.rint(levels * (255 * 16 / peak)))


@pytest.mark.parametrize("codec", ["AVIF", "HEIC"])
@pytest.mark.parametrize("bits", [8, 10, 12])
def test_deep_avif_and_heic_pictures_for_deep_networks(tmp_path, codec, bits):
    pytest.importorskip("imagecodecs" if codec == "AVIF" else "pillow_heif")
    codec = getattr(ks.codecs, codec)(bits=bits, chroma_subsampling="4:4:4")
    pixels = photograph().astype("uint8" if bits == 8 else "uint16") << (bits - 8)
    path = tmp_path / f"a{codec.suffixes[0]}"
    path.write_bytes(codec.encode(pixels))
    assert np.abs(read_picture(path).pixels - photograph().astype(int)).mean() < 12
    deep = read_picture(path, num_truncate_bits=2).pixels
    assert deep.max() > 255
    # What the codec decodes, on the scale of the network.
    expected = codec.decode(path.read_bytes()) * (255 * 4 / (2**bits - 1))
    assert np.abs(deep - expected).max() <= 0.5
