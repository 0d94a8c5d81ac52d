"""Depth maps and radiance through coded files, and what their metadata say."""

import json

import cv2
import numpy as np
import pytest

import keras_sandwich as ks
from keras_sandwich.files.stated_values import StatedValues
from keras_sandwich.files.value_files import require_values_format

PEAK = 65280.0


@pytest.fixture(scope="module")
def depth_model():
    model = ks.models.create_depth_codec_model(use_unet_postprocessor=False)
    model.build((None, None, None, 1))
    return model


@pytest.fixture(scope="module")
def deep_model():
    return ks.models.create_high_bit_depth_codec_model(
        use_unet_preprocessor=False, use_unet_postprocessor=False
    )


def test_depth_of_16_bits_comes_back_with_its_holes(tmp_path, depth_model):
    depth = (
        ks.datasets.synthetic_depth(45, 70, seed=2, holes=True) // 20 + 500
    )  # a part of the range
    depth[ks.datasets.synthetic_depth(45, 70, seed=2, holes=True) == 0] = 0
    cv2.imwrite(str(tmp_path / "depth.png"), depth)
    info = ks.encode_file(tmp_path / "depth.png", tmp_path / "depth.jpg", depth_model, strength=8)
    assert info.holds == "depth"
    assert info.output_size == (45, 70)
    assert info.coded_size == (48, 72)
    ks.decode_file(tmp_path / "depth.jpg", tmp_path / "again.png", depth_model)
    again = cv2.imread(str(tmp_path / "again.png"), cv2.IMREAD_UNCHANGED)
    assert again.dtype == np.uint16
    np.testing.assert_array_equal(again == 0, depth == 0)
    span = int(depth.max()) - int(depth[depth > 0].min())
    error = np.abs(again.astype(int) - depth)[depth > 0]
    assert error.mean() < span / 512  # beyond 8 bits, of the range that the map has
    with pytest.raises(
        ValueError, match=r"depth map of uint16, which is written as \.png or \.npy"
    ):
        ks.decode_file(tmp_path / "depth.jpg", tmp_path / "again.exr", depth_model)


def test_what_does_not_carry_the_layers_is_refused(tmp_path, depth_model):
    np.save(tmp_path / "depth.npy", ks.datasets.synthetic_depth(16, 24))
    for target, options in (
        ("a.jpg", {"strength": 7}),
        ("a.webp", {"strength": 50}),
        ("a.jpg", {"strength": 20, "codec": ks.codecs.JPEG(quality=80)}),
        ("a.jpg", {"strength": 20, "codec": ks.codecs.JPEG(qstep=8, chroma_subsampling="4:2:0")}),
    ):
        with pytest.raises(ValueError, match="JPEG 4:4:4 of a flat step of at least 8"):
            ks.encode_file(tmp_path / "depth.npy", tmp_path / target, depth_model, **options)
    info = ks.encode_file(
        tmp_path / "depth.npy", tmp_path / "a.jpg", depth_model, target_size=100_000
    )
    assert info.settings.get("qstep", 8) == 8  # no finer, however much there is room for


def test_depth_of_floats_comes_back_as_floats(tmp_path, depth_model):
    depth = ks.datasets.synthetic_depth(40, 64, seed=5).astype("float32") / 6553.5
    depth[3:6, 5:9] = np.nan
    np.save(tmp_path / "depth.npy", depth)
    ks.encode_file(tmp_path / "depth.npy", tmp_path / "depth.jpg", depth_model, strength=8)
    ks.decode_file(tmp_path / "depth.jpg", tmp_path / "again.npy", depth_model)
    again = np.load(tmp_path / "again.npy")
    assert again.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(again), np.isnan(depth))
    assert np.nanmean(np.abs(again - depth)) < np.nanmax(depth) / 512


def test_radiance_comes_back(tmp_path, deep_model):
    light = np.geomspace(0.003, 3000, 32 * 48).reshape(32, 48, 1) * np.array([1, 0.5, 0.7])
    light[:8, :8] = 0
    ks.pictures.save_radiance(tmp_path / "light.hdr", light)
    info = ks.encode_file(tmp_path / "light.hdr", tmp_path / "light.jpg", deep_model, strength=1)
    assert info.holds == "radiance"
    assert info.settings["color_transform"] is False
    ks.decode_file(tmp_path / "light.jpg", tmp_path / "again.hdr", deep_model)
    again, read = (
        ks.pictures.load_radiance(tmp_path / name) for name in ("again.hdr", "light.hdr")
    )
    seen = read > read.max() * 1e-6
    assert np.abs(np.log2(again[seen] / read[seen])).mean() < 0.05  # stops, of 20 on 8 bits 0.08
    with pytest.raises(
        ValueError, match=r"radiance of float32, which is written as \.exr or \.hdr"
    ):
        ks.decode_file(tmp_path / "light.jpg", tmp_path / "again.png", deep_model)


def test_radiance_needs_a_model_for_it(tmp_path):
    ks.pictures.save_radiance(tmp_path / "light.hdr", np.ones((8, 8, 3)))
    model = ks.models.create_linear_baseline(bottleneck_channels=3)
    with pytest.raises(ValueError, match="colours of 16 bits"):
        ks.encode_file(tmp_path / "light.hdr", tmp_path / "light.jpg", model, strength=8)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_values_become_samples_over_the_whole_range(dtype):
    depth = np.array([[800, 0, 1200], [1000, 900, 810]], dtype)
    values, filled = StatedValues.of_depth(depth)
    samples = values.to_samples(filled, PEAK)
    assert (samples.min(), samples.max()) == (0, PEAK)
    np.testing.assert_allclose(samples[1, 0, 0], PEAK / 2, rtol=1e-6)
    again = StatedValues.from_json(values.to_json()).to_values(samples, PEAK)
    assert again.dtype == dtype
    expected = np.where(depth == 0, np.nan, depth) if dtype == "float32" else depth
    np.testing.assert_allclose(again, expected, rtol=1e-6)


def test_holes_that_no_file_keeps_are_refused():
    depth = np.random.default_rng(0).integers(0, 2, (900, 900)).astype("uint16")
    with pytest.raises(ValueError, match=r"Fill them first with `depth\.fill_holes`"):
        StatedValues.of_depth(depth)


GOOD = {"kind": "depth", "low": 1.0, "high": 9.0, "dtype": "uint16"}


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "heat"},
        {"dtype": "object"},
        {"low": 10},
        {"low": -1},
        {"high": 70000},
        {"low": True},
        {"high": "9"},
        {"high": 1e400},
        {"low": None},
        {"kind": "radiance"},
        {"kind": "radiance", "dtype": "float32", "low": 0},
        {"holes": "!"},
        {"holes": 3},
    ],
)
def test_what_others_may_have_written_is_refused(changed):
    assert StatedValues.from_json(json.dumps(GOOD)).high == 9
    with pytest.raises(ValueError, match=r"its|it is|it holds"):
        StatedValues.from_json(json.dumps({**GOOD, **changed}))


@pytest.mark.parametrize("packed", [b"", b"nonsense", None])
def test_holes_of_another_size_are_refused(packed):
    values, _ = StatedValues.of_depth(np.array([[1, 0], [2, 3]], "uint16"))
    packed = values.holes if packed is None else packed
    wrong = StatedValues("depth", 1, 3, "uint16", packed)
    samples = np.zeros((50, 50, 1), "float32")
    with pytest.raises(ValueError, match="the holes in its metadata"):
        wrong.to_values(samples, PEAK)


def test_a_flat_map_stays_flat():
    values, filled = StatedValues.of_depth(np.full((8, 8), 777, "uint16"))
    np.testing.assert_array_equal(values.to_values(values.to_samples(filled, PEAK), PEAK), filled)


def test_targets_that_would_lose_something_are_refused(tmp_path):
    values = StatedValues("depth", 1, 3, "float32")
    assert require_values_format(tmp_path / "a.EXR", values) == ".exr"
    with pytest.raises(ValueError, match=r"written as \.exr or \.npy"):
        require_values_format(tmp_path / "a.png", values)
