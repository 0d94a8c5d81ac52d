import hashlib
import io
import json
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageCms
from small_models import sandwich

import keras_sandwich as ks
from keras_sandwich.files import encoding

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SUFFIXES = [".jpg", ".webp", ".avif", ".heic"]


def opened(path):
    if path.suffix != ".heic":
        return Image.open(path)
    return pytest.importorskip("pillow_heif").open_heif(path).to_pillow()


def fields(path):
    """The metadata, as an XML parser of Python's reads them."""
    root = ElementTree.fromstring(opened(path).info["xmp"])
    prefix = "{urn:keras-sandwich#}"
    return {
        name.removeprefix(prefix): text
        for description in root
        for name, text in description.attrib.items()
        if name.startswith(prefix)
    }


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_file_is_an_ordinary_one_that_shows_the_bottleneck(
    tmp_path, gray_model, source, photograph, suffix
):
    if suffix == ".heic":
        pytest.importorskip("pillow_heif")
    target = tmp_path / f"coded{suffix}"
    info = ks.encode_file(source, target, gray_model, strength=5)
    picture = opened(target)
    assert picture.size == (61, 47)
    if suffix != ".webp":  # which has no grayscale
        assert picture.mode == "L"
    bottleneck = ks.inference.preprocess_picture(gray_model, photograph)[..., 0]
    shown = np.asarray(picture.convert("RGB"))[..., 1].astype(float)
    assert np.sqrt(np.mean((shown - np.clip(bottleneck, 0, 255)) ** 2)) < 5
    assert info == ks.files.read_info(target)
    assert info.file_size == target.stat().st_size
    assert info.bits_per_pixel == 8 * info.file_size / (47 * 61)
    assert info.unaltered


def test_the_metadata_say_what_restores_it(tmp_path, small_model, source):
    target = tmp_path / "coded.jpg"
    info = ks.encode_file(source, target, small_model, strength=7)
    stated = fields(target)
    pixels = np.asarray(Image.open(target))
    assert pixels.shape == (23, 30, 3)
    digest = hashlib.sha256(b"23x30x3x1 " + pixels.tobytes()).hexdigest()
    assert stated.pop("pixels") == digest[:32] == info.pixels
    assert stated.pop("network") == ks.presets.fingerprint(small_model.postprocessor)[:32]
    assert json.loads(stated.pop("codec")) == {
        "class": "JPEG",
        "qstep": 7,
        "chroma_subsampling": "4:2:0",
    }
    assert stated.pop("library") == ks.codecs.JPEG().version
    assert stated.pop("size") == "61x47"
    assert stated.pop("version") == "1"
    assert set(stated) == {"file", "check"}


def test_jpeg_is_as_in_training(tmp_path, small_model, source):
    ks.encode_file(source, tmp_path / "coded.jpg", small_model, strength=9)
    picture = Image.open(tmp_path / "coded.jpg")
    assert [layer[1:3] for layer in picture.layer] == [(2, 2), (1, 1), (1, 1)]
    assert all(set(table) == {9} for table in picture.quantization.values())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_metadata_cost_as_many_bytes_as_documented(tmp_path, gray_model, source, suffix):
    if suffix == ".heic":
        pytest.importorskip("pillow_heif")
    info = ks.encode_file(
        source, tmp_path / f"a{suffix}", gray_model, strength=21, keep_profile=False
    )
    codec = ks.codecs.codec_for(suffix)().with_strength(21)
    samples = ks.codecs.to_samples(
        ks.inference.preprocess_picture(gray_model, np.asarray(Image.open(source)))
    )
    cost = info.file_size - len(codec.encode(samples))
    assert info.metadata_size < cost < info.metadata_size + 90
    assert cost < 600


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif"])
@pytest.mark.parametrize("size", [1500, 2500])
def test_the_largest_file_that_fits(tmp_path, gray_model, source, suffix, size):
    target = tmp_path / f"coded{suffix}"
    info = ks.encode_file(source, target, gray_model, target_size=size)
    assert info.file_size == target.stat().st_size <= size
    codec = ks.codecs.codec_for(suffix)(
        **{name: value for name, value in info.settings.items() if name != "class"}
    )
    strengths = codec.strengths
    place = strengths.index(codec.strength)
    assert place > 0
    for weaker in strengths[max(place - 2, 0) : place]:
        other = ks.encode_file(source, tmp_path / f"b{suffix}", gray_model, strength=weaker)
        assert not info.file_size < other.file_size <= size
    assert other.file_size > size


def test_bits_per_pixel_count_every_byte_of_the_big_picture(tmp_path, small_model, source):
    info = ks.encode_file(source, tmp_path / "a.jpg", small_model, bits_per_pixel=5.0)
    assert (tmp_path / "a.jpg").stat().st_size <= 5.0 * 47 * 61 / 8
    weaker = ks.encode_file(
        source, tmp_path / "b.jpg", small_model, strength=info.settings["qstep"] - 1
    )
    assert weaker.file_size > 5.0 * 47 * 61 / 8
    assert info.bits_per_pixel <= 5.0 < weaker.bits_per_pixel


def test_a_size_that_one_strength_has_exactly(tmp_path, gray_model, source):
    exact = ks.encode_file(source, tmp_path / "a.jpg", gray_model, strength=30)
    again = ks.encode_file(source, tmp_path / "b.jpg", gray_model, target_size=exact.file_size)
    assert again.file_size == exact.file_size


def test_what_cannot_be_reached(tmp_path, gray_model, source):
    sizes = [
        ks.encode_file(source, tmp_path / "a.jpg", gray_model, strength=strength).file_size
        for strength in (1, 255)
    ]
    reach = rf"reaches {sizes[1]} to {sizes[0]} bytes \({8 * sizes[1] / 2867:.3g} to {8 * sizes[0] / 2867:.3g}"
    for goal in ({"target_size": sizes[1] - 1}, {"bits_per_pixel": 0.01}, {"target_size": 1}):
        with pytest.raises(ValueError, match=reach):
            ks.encode_file(source, tmp_path / "b.jpg", gray_model, **goal)
    assert not (tmp_path / "b.jpg").exists()
    easy = ks.encode_file(source, tmp_path / "b.jpg", gray_model, target_size=10**9)
    assert easy.file_size == sizes[0]


@pytest.mark.parametrize(
    "goal",
    [
        {},
        {"strength": 8, "target_size": 4000},
        {"target_size": 0},
        {"target_size": 40.5},
        {"bits_per_pixel": -1.0},
        {"bits_per_pixel": float("nan")},
        {"bits_per_pixel": float("inf")},
    ],
)
def test_one_goal_that_can_be_meant(tmp_path, gray_model, source, goal):
    with pytest.raises(ValueError, match="Received"):
        ks.encode_file(source, tmp_path / "a.jpg", gray_model, **goal)


@pytest.mark.parametrize(("strength", "said"), [(60, "coarser"), (4, "finer")])
def test_a_step_that_was_never_trained_is_said(tmp_path, source, strength, said):
    model = sandwich(networks=True, qstep_range=(8.0, 48.0))
    with pytest.warns(UserWarning, match=f"step, {strength}, is {said} .* 8 to 48") as caught:
        ks.encode_file(source, tmp_path / "a.jpg", model, strength=strength)
    (warning,) = (w for w in caught if "step" in str(w.message))
    assert warning.filename == __file__


def test_the_ends_of_the_trained_range_are_trained(tmp_path, source, recwarn):
    model = sandwich(networks=True, qstep_range=(8.0, 48.0))
    for strength in (8, 48):
        ks.encode_file(source, tmp_path / "a.jpg", model, strength=strength)
    assert not [w for w in recwarn if "step" in str(w.message)]


def test_the_profile_travels_with_the_picture(tmp_path, gray_model, small_model, source):
    profile = Image.open(source).info["icc_profile"]
    ks.encode_file(source, tmp_path / "colour.jpg", small_model, strength=8)
    assert Image.open(tmp_path / "colour.jpg").info["icc_profile"] == profile
    ks.encode_file(source, tmp_path / "gray.jpg", gray_model, strength=8)
    assert "icc_profile" not in Image.open(tmp_path / "gray.jpg").info
    assert ks.files.read_info(tmp_path / "gray.jpg").has_profile
    for name, model in (("colour", small_model), ("gray", gray_model)):
        ks.decode_file(tmp_path / f"{name}.jpg", tmp_path / f"{name}.png", model)
        assert Image.open(tmp_path / f"{name}.png").info["icc_profile"] == profile
        info = ks.encode_file(source, tmp_path / "none.jpg", model, strength=8, keep_profile=False)
        assert not info.has_profile
        ks.decode_file(tmp_path / "none.jpg", tmp_path / "none.png", model)
        assert "icc_profile" not in Image.open(tmp_path / "none.png").info


def test_a_profile_too_large_for_the_metadata_is_said(tmp_path, gray_model, photograph):
    noise = np.random.default_rng(0).integers(0, 256, 90_000, "uint8").tobytes()
    Image.fromarray(photograph).save(tmp_path / "a.png", icc_profile=SRGB + noise)
    with pytest.raises(ValueError, match="keep_profile=False"):
        ks.encode_file(tmp_path / "a.png", tmp_path / "a.jpg", gray_model, strength=8)


def test_a_turned_picture_is_coded_upright(tmp_path, small_model, photograph):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.ascontiguousarray(np.rot90(photograph))).save(tmp_path / "a.png", exif=exif)
    ks.encode_file(tmp_path / "a.png", tmp_path / "a.jpg", small_model, strength=8)
    coded = Image.open(tmp_path / "a.jpg")
    assert coded.size == (30, 23)
    assert not coded.getexif()
    ks.decode_file(tmp_path / "a.jpg", tmp_path / "b.png", small_model)
    restored = Image.open(tmp_path / "b.png")
    assert not restored.getexif()
    Image.fromarray(photograph).save(tmp_path / "upright.png")
    ks.encode_file(tmp_path / "upright.png", tmp_path / "c.jpg", small_model, strength=8)
    ks.decode_file(tmp_path / "c.jpg", tmp_path / "d.png", small_model)
    assert np.array_equal(np.asarray(restored), np.asarray(Image.open(tmp_path / "d.png")))


def test_transparency_needs_a_background(tmp_path, gray_model, photograph):
    alpha = np.full((47, 61, 1), 200, "uint8")
    Image.fromarray(np.concatenate([photograph, alpha], axis=-1)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="background"):
        ks.encode_file(tmp_path / "a.png", tmp_path / "a.jpg", gray_model, strength=8)
    ks.encode_file(
        tmp_path / "a.png", tmp_path / "a.jpg", gray_model, strength=8, background="white"
    )


def test_codecs_that_do_not_fit(tmp_path, gray_model, source):
    for target, codec, reason in (
        ("a.jpg", ks.codecs.WebP(), r"WebP 4:2:0 files end in \.webp"),
        ("a.jp2", None, "must carry metadata"),
        ("a.avif", ks.codecs.AVIF(bits=10), "must carry metadata"),
        ("a.txt", None, "ends in one of"),
        ("a", None, "ends in one of"),
        ("a.jpg", ks.codecs.JPEG(tables=np.full((8, 8), 5)), "no strengths"),
    ):
        with pytest.raises(ValueError, match=reason):
            ks.encode_file(source, tmp_path / target, gray_model, target_size=3000, codec=codec)


def test_models_that_do_not_fit(tmp_path, source):
    for model, reason in (
        (sandwich(bottleneck_channels=2), "1 or 3 channels"),
        (sandwich(output_channels=4, bottleneck_channels=3), "1 or 3 channels"),
        (sandwich(num_truncate_bits=9), "at most 16 bits"),
        (object(), "must be a CompressIntraModel"),
        ("nowhere", "no bundled preset"),
    ):
        with pytest.raises(ValueError, match=reason):
            ks.encode_file(source, tmp_path / "a.jpg", model, strength=8)


def test_a_picture_smaller_than_the_reduction(tmp_path, small_model):
    Image.new("RGB", (40, 1)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="too small"):
        ks.encode_file(tmp_path / "a.png", tmp_path / "a.jpg", small_model, strength=8)


def test_more_pixels_than_the_format_holds(tmp_path, gray_model):
    Image.new("RGB", (16384, 1)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="16383"):
        ks.encode_file(tmp_path / "a.png", tmp_path / "a.webp", gray_model, strength=8)
    Image.new("RGB", (65536, 1)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="65500"):
        ks.encode_file(tmp_path / "a.png", tmp_path / "a.jpg", gray_model, strength=8)


def test_no_larger_picture_is_coded_than_is_restored(tmp_path, small_model, source, monkeypatch):
    monkeypatch.setattr(encoding, "MAX_PIXELS", 47 * 61)
    ks.encode_file(source, tmp_path / "a.jpg", small_model, strength=8)
    monkeypatch.setattr(encoding, "MAX_PIXELS", 47 * 61 - 1)
    with pytest.raises(ValueError, match=r"At most 2866 pixels are coded.* Received 61×47"):
        ks.encode_file(source, tmp_path / "b.jpg", small_model, strength=8)


def test_a_picture_is_never_lost(tmp_path, gray_model, source, photograph):
    before = source.read_bytes()
    jpeg = tmp_path / "picture.jpg"
    Image.fromarray(photograph).save(jpeg)
    with pytest.raises(ValueError, match="its own target"):
        ks.encode_file(jpeg, jpeg, gray_model, strength=8)
    with pytest.raises(FileNotFoundError):
        ks.encode_file(source, tmp_path / "nowhere" / "a.jpg", gray_model, strength=8)
    assert source.read_bytes() == before
    assert ks.encode_file(source, jpeg, gray_model, strength=8) == ks.files.read_info(jpeg)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, MemoryError, OSError])
def test_nothing_is_left_where_coding_fails(
    tmp_path, gray_model, source, monkeypatch, interruption
):
    def fail(*_, **__):
        raise interruption

    target = tmp_path / "a.jpg"
    target.write_bytes(b"what was there")
    monkeypatch.setattr(encoding, "seal", fail)
    with pytest.raises(interruption):
        ks.encode_file(source, target, gray_model, strength=8)
    assert target.read_bytes() == b"what was there"
    assert sorted(tmp_path.iterdir()) == [target, source.parent]


@pytest.mark.parametrize("suffix", ["jpg", "webp", "avif"])
def test_many_pixels_leave_no_warning(tmp_path, gray_model, monkeypatch, recwarn, suffix):
    if suffix not in ("jpg", "webp"):
        pytest.importorskip("PIL._avif")
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2100)
    ks.encode_file(tmp_path / "a.png", tmp_path / f"a.{suffix}", gray_model, strength=30)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2100)
    ks.decode_file(tmp_path / f"a.{suffix}", tmp_path / "b.png", gray_model)
    assert not [w for w in recwarn if issubclass(w.category, Image.DecompressionBombWarning)]
    assert Image.MAX_IMAGE_PIXELS == 2100


def test_more_bits_in_the_coded_file(tmp_path, small_model, source):
    pytest.importorskip("pillow_heif")
    codec = ks.codecs.HEIC(bits=10)
    info = ks.encode_file(source, tmp_path / "a.heic", small_model, strength=11, codec=codec)
    assert info.settings["bits"] == 10
    file = io.BytesIO((tmp_path / "a.heic").read_bytes())
    assert pytest.importorskip("pillow_heif").open_heif(file).info["bit_depth"] == 10
    ks.decode_file(tmp_path / "a.heic", tmp_path / "a.png", small_model)
