import contextlib
import io
import re
import shutil
import sys
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from small_models import sandwich

import keras_sandwich as ks
from keras_sandwich.files.xmp import NAMESPACE, RDF, read_fields
from keras_sandwich.presets import bundled

FORMATS = ["jpg", "webp", "avif", "heic"]


@pytest.fixture(scope="session")
def coded(tmp_path_factory, small_model):
    """A coded file of each format, in a folder that no test writes to."""
    folder = tmp_path_factory.mktemp("coded")
    pixels = np.ascontiguousarray(ks.datasets.sample_images("test")[0, 20:67, 40:101])
    Image.fromarray(pixels).save(folder / "picture.png")
    for suffix in FORMATS:
        with contextlib.suppress(ImportError):
            ks.encode_file(folder / "picture.png", folder / f"a.{suffix}", small_model, strength=11)
    return folder


@pytest.fixture
def file(coded, tmp_path):
    """A coded JPEG file that may be changed."""
    return shutil.copy(coded / "a.jpg", tmp_path / "a.jpg")


def restored(file, model, **options):
    target = file.parent / "restored.png"
    ks.decode_file(file, target, model, **options)
    return np.asarray(Image.open(target))


def as_a_file_holds_them(prediction, peak=255):
    return np.clip(np.rint(prediction), 0, peak)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("channels", [1, 3])
def test_it_restores_what_transport_predicts(tmp_path, source, photograph, suffix, channels):
    if suffix == "heic":
        pytest.importorskip("pillow_heif")
    model = sandwich(
        networks=True, bottleneck_channels=channels, downsample_factor=channels // 2 + 1
    )
    codec = ks.codecs.codec_for(f".{suffix}")().with_strength(9)
    ks.encode_file(source, tmp_path / f"a.{suffix}", model, strength=9)
    outputs = ks.transport(model, [photograph], codec)
    expected = as_a_file_holds_them(outputs["prediction"][0])
    assert np.array_equal(restored(tmp_path / f"a.{suffix}", model), expected)


def test_whole_coding_units_are_coded_and_cut_again(tmp_path, source, photograph):
    model = ks.models.create_linear_baseline(1, patch_size=16)
    ks.encode_file(source, tmp_path / "a.jpg", model, strength=4)
    assert Image.open(tmp_path / "a.jpg").size == (64, 48)
    outputs = ks.transport(model, [photograph], ks.codecs.JPEG(qstep=4))
    pixels = restored(tmp_path / "a.jpg", model)
    np.testing.assert_array_equal(pixels, as_a_file_holds_them(outputs["prediction"][0]))
    assert ks.files.read_info(tmp_path / "a.jpg").output_size == (47, 61)


def test_a_decoder_without_the_network_before_the_codec(tmp_path, source):
    model = ks.models.create_linear_baseline(1, patch_size=16)
    ks.encode_file(source, tmp_path / "a.jpg", model, strength=4)
    decoder = ks.models.CompressIntraModel(None, model.postprocessor, ks.layers.EncodeDecodeIntra())
    expected = restored(tmp_path / "a.jpg", model)
    np.testing.assert_array_equal(restored(tmp_path / "a.jpg", decoder), expected)
    decoder.save(tmp_path / "decoder.keras")
    again = restored(tmp_path / "a.jpg", tmp_path / "decoder.keras")
    np.testing.assert_array_equal(again, expected)


def test_a_library_that_is_missing_is_named_with_the_extra(file, small_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ImportError, match=r"JPEG needs Pillow: .*keras-sandwich\[codecs\]"):
        ks.decode_file(file, file.with_name("a.png"), small_model)


def test_a_restored_picture_is_no_larger_than_a_coded_one_may_be(tmp_path, monkeypatch):
    model = ks.models.create_linear_baseline(3, downsample_factor=2)
    Image.new("RGB", (64, 48)).save(tmp_path / "flat.png")
    ks.encode_file(tmp_path / "flat.png", tmp_path / "a.jpg", model, strength=4)
    monkeypatch.setattr("keras_sandwich.files.decoding.MAX_PIXELS", 64 * 48)
    ks.decode_file(tmp_path / "a.jpg", tmp_path / "b.png", model)
    monkeypatch.setattr("keras_sandwich.files.decoding.MAX_PIXELS", 64 * 48 - 1)
    with pytest.raises(ValueError, match=r"restored to 64×48 pixels. At most 3071 pixels"):
        ks.decode_file(tmp_path / "a.jpg", tmp_path / "c.png", model)


def test_pictures_of_more_bits(tmp_path):
    imagecodecs = pytest.importorskip("imagecodecs")
    model = sandwich(num_truncate_bits=2, output_channels=3, bottleneck_channels=3)
    levels = (
        np.random.default_rng(0).integers(0, 1021, (9, 14, 3)).astype("uint16")
    )  # 255·4 at most
    full = np.rint(levels * (65535 / 1020)).astype("uint16")
    (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(full))
    ks.encode_file(tmp_path / "deep.png", tmp_path / "a.jpg", model, strength=2)
    ks.decode_file(tmp_path / "a.jpg", tmp_path / "b.png", model)
    outputs = ks.transport(model, [levels], ks.codecs.JPEG(qstep=2))
    expected = as_a_file_holds_them(outputs["prediction"][0], 1020) * (65535 / 1020)
    pixels = imagecodecs.png_decode((tmp_path / "b.png").read_bytes())
    assert pixels.dtype == np.uint16
    assert np.array_equal(pixels, np.rint(expected))
    with pytest.raises(ValueError, match=r"let it end in \.png"):
        ks.decode_file(tmp_path / "a.jpg", tmp_path / "b.tif", model)


def test_tiles_do_not_show(coded, tmp_path, small_model):
    pixels = restored(shutil.copy(coded / "a.jpg", tmp_path / "a.jpg"), small_model).astype(int)
    tiled = restored(tmp_path / "a.jpg", small_model, tile_size=16)
    assert np.abs(pixels - tiled).max() <= 1
    assert (pixels == tiled).mean() > 0.99


@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "bmp"])
def test_targets_by_their_suffix(file, small_model, suffix):
    pixels = restored(file, small_model)
    ks.decode_file(file, file.parent / f"b.{suffix}", small_model)
    assert np.array_equal(np.asarray(Image.open(file.parent / f"b.{suffix}")), pixels)


def test_targets_that_would_lose_something(file, small_model):
    for target in ("b.jpg", "b"):
        with pytest.raises(ValueError, match="without loss"):
            ks.decode_file(file, file.parent / target, small_model)
    with pytest.raises(ValueError, match="its own target"):
        ks.decode_file(file, file, small_model)


def test_the_network_may_come_from_a_preset_or_a_file(file, small_model, monkeypatch):
    folder = file.parent
    expected = restored(file, small_model)
    small_model.save(folder / "model.keras")
    small_model.save_to_preset(folder / "bundled" / "small-one")
    for model in (
        folder / "model.keras",
        folder / "bundled" / "small-one",
        str(folder / "model.keras"),
    ):
        assert np.array_equal(restored(file, model), expected)
    with pytest.raises(ValueError, match="No bundled preset restores"):
        restored(file, None)
    monkeypatch.setattr(bundled, "_bundled", lambda: folder / "bundled")
    assert np.array_equal(restored(file, None), expected)
    Image.fromarray(expected).save(folder / "again.png")
    info = ks.encode_file(folder / "again.png", folder / "b.jpg", "small-one", strength=11)
    assert info.preset == "small-one"
    assert restored(folder / "b.jpg", None).shape == expected.shape
    # Known by what it computes, not by its name.
    assert ks.encode_file(folder / "again.png", folder / "c.jpg", small_model, strength=11) == info


def test_another_network_is_refused(file, small_model):
    other = sandwich(bottleneck_channels=3, downsample_factor=2)
    kernel = next(w for w in other.postprocessor.weights if w.name == "kernel")
    kernel.assign_add(np.full(kernel.shape, 1e-3, "float32"))
    numbers = [ks.presets.fingerprint(m.postprocessor)[:32] for m in (small_model, other)]
    with pytest.raises(ValueError, match=rf"(?s)network {numbers[0]}.*Received.*{numbers[1]}"):
        restored(file, other)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no JPEG, WebP, AVIF or HEIC"),
        (b"GIF89a", "no JPEG, WebP, AVIF or HEIC"),
        (b"\xff\xd8\xff", "damaged"),
        (b"RIFF\xff\xff\xff\xffWEBP", "damaged"),
        (b"\0\0\0\x18ftypavif", "damaged"),
        (b"\0\0\0\x18ftypheic", "damaged"),
    ],
)
def test_what_is_no_coded_file(tmp_path, small_model, content, reason):
    (tmp_path / "a.jpg").write_bytes(content)
    for read in (ks.files.read_info, lambda path: restored(path, small_model)):
        with pytest.raises(ValueError, match=rf"a\.jpg.*{reason}"):
            read(tmp_path / "a.jpg")
    with pytest.raises(FileNotFoundError):
        restored(tmp_path / "nowhere.jpg", small_model)


def test_an_ordinary_picture_is_refused(tmp_path, small_model, photograph):
    Image.fromarray(photograph).save(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="carries no metadata of keras-sandwich"):
        restored(tmp_path / "a.jpg", small_model)
    Image.fromarray(photograph).save(
        tmp_path / "a.jpg", xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    )
    with pytest.raises(ValueError, match="no fields of keras-sandwich"):
        restored(tmp_path / "a.jpg", small_model)


def with_xmp(file, change):
    """The file with its XMP changed, the checksum of the fields being right again."""
    data = file.read_bytes()
    xmp = Image.open(io.BytesIO(data)).info["xmp"]
    fields = read_fields(xmp)
    change(fields)
    fields.pop("check")
    lines = "".join(f"{name}={fields[name]}\n" for name in sorted(fields))
    fields["check"] = f"{zlib.crc32(lines.encode()):08x}"
    elements = "".join(f"<k:{name}>{text}</k:{name}>" for name, text in fields.items())
    packet = (
        f"<?xpacket begin=''?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='{RDF}'>"
        f"<rdf:Description rdf:about='' xmlns:k='{NAMESPACE}'>{elements}</rdf:Description>"
        "</rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
    ).encode()
    start = data.index(xmp)
    segment = (
        b"\xff\xe1" + (2 + 29 + len(packet)).to_bytes(2, "big") + b"http://ns.adobe.com/xap/1.0/\0"
    )
    file.write_bytes(data[: start - 33] + segment + packet + data[start + len(xmp) :])


def test_metadata_that_another_program_wrote_anew_are_read(file, small_model):
    expected = restored(file, small_model)
    with_xmp(file, lambda fields: None)
    assert not ks.files.read_info(file).unaltered
    assert np.array_equal(restored(file, small_model), expected)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("version", "7", "file of version 7"),
        ("size", "62x47", "edited"),
        ("size", "63x47", "edited"),
        ("size", "1000000000x1000000000", "damaged"),
        ("size", "16000000x16000000", "At most 178956970 pixels"),
        ("codec", '{"class":"JPEG","bits":12}', "settings cannot be"),
        ("codec", '{"class":"JPEG","bits":"; rm"}', "settings cannot be"),
        ("network", "0" * 32, "written for the network 0000"),
    ],
)
def test_hostile_fields(file, small_model, name, text, reason):
    with_xmp(file, lambda fields: fields.update({name: text}))
    with pytest.raises(ValueError, match=reason):
        restored(file, small_model)


def test_damaged_metadata_are_refused(file, small_model):
    data = file.read_bytes()
    file.write_bytes(data.replace(b"61x47", b"61x46"))
    with pytest.raises(ValueError, match=r"metadata is damaged: its checksum differs"):
        restored(file, small_model)


def test_a_header_that_claims_a_bomb_is_refused(file, small_model):
    data = bytearray(file.read_bytes())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = b"\xff\xdc\xff\xdc"
    file.write_bytes(bytes(data))
    with pytest.raises(ValueError, match=r"damaged|edited"):
        restored(file, small_model)


def test_what_was_saved_anew_is_refused_unless_accepted(file, small_model):
    expected = restored(file, small_model)
    picture = Image.open(file)
    picture.load()
    picture.save(file, quality=70, xmp=picture.info["xmp"])
    with pytest.raises(ValueError, match="edited or saved anew"):
        restored(file, small_model)
    accepted = restored(file, small_model, accept_altered=True)
    assert accepted.shape == expected.shape
    assert np.abs(accepted.astype(int) - expected).mean() < 30
    picture.resize((20, 20)).save(file, quality=70, xmp=picture.info["xmp"])
    for accept in (False, True):
        with pytest.raises(ValueError, match=r"coded as one of 30×23 pixels.*20×20"):
            restored(file, small_model, accept_altered=accept)
    picture.convert("L").save(file, quality=70, xmp=picture.info["xmp"])
    with pytest.raises(ValueError, match="3 channel"):
        restored(file, small_model, accept_altered=True)


def test_another_decoder_is_told_from_an_edit(file, small_model, monkeypatch):
    decode = ks.codecs.JPEG.decode
    monkeypatch.setattr(ks.codecs.JPEG, "decode", lambda codec, data: decode(codec, data) ^ 1)
    with pytest.raises(ValueError, match=r"other pixels than the one that wrote it.*libjpeg-turbo"):
        restored(file, small_model)
    restored(file, small_model, accept_altered=True)


def test_a_truncated_file_is_refused(file, small_model):
    file.write_bytes(file.read_bytes()[:-40])
    for accept in (False, True):
        with pytest.raises(ValueError, match="damaged"):
            restored(file, small_model, accept_altered=accept)
    assert not (file.parent / "restored.png").exists()


def test_a_harmless_addition_changes_nothing(file, small_model):
    expected = restored(file, small_model)
    data = file.read_bytes()
    file.write_bytes(data[:2] + b"\xff\xfe\x00\x07hello" + data[2:])
    assert not ks.files.read_info(file).unaltered
    assert np.array_equal(restored(file, small_model), expected)


@pytest.mark.parametrize("suffix", FORMATS)
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_damage_is_refused_in_words_or_seen(coded, tmp_path, small_model, suffix, data):
    if not (coded / f"a.{suffix}").exists():
        pytest.skip("the codec is not installed")
    whole = bytearray((coded / f"a.{suffix}").read_bytes())
    places = st.integers(0, len(whole) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=4)):
        whole[place] = value
    damaged = bytes(whole[: data.draw(st.just(len(whole)) | places)])
    if data.draw(st.booleans()):
        damaged = re.sub(
            rb"\d+x\d+", data.draw(st.sampled_from([b"9" * 9 + b"x1", b"0x0"])), damaged
        )
    file = tmp_path / f"damaged.{suffix}"
    file.write_bytes(damaged)
    (tmp_path / "restored.png").unlink(missing_ok=True)
    try:
        restored(file, small_model)
    except ValueError:
        assert not (tmp_path / "restored.png").exists()
        return
    assert Image.open(tmp_path / "restored.png").size == (61, 47)


def test_colours_that_a_file_states_by_numbers_reach_the_restored_picture(
    tmp_path, small_model, photograph
):
    """Display P3 by nclx, as cameras and phones write it: an ICC profile says the same."""
    imagecodecs = pytest.importorskip("imagecodecs")
    path = tmp_path / "p3.avif"
    path.write_bytes(imagecodecs.avif_encode(photograph, 95, primaries=12, transfer=13, matrix=6))
    ks.encode_file(path, tmp_path / "coded.jpg", small_model, strength=4)
    ks.decode_file(tmp_path / "coded.jpg", tmp_path / "restored.png", small_model)
    profile = Image.open(tmp_path / "restored.png").info["icc_profile"]
    assert profile == Image.open(tmp_path / "coded.jpg").info["icc_profile"]
    description = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    assert description.strip() == "Display P3"
