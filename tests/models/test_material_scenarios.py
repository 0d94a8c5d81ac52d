"""The sandwiches of normal maps and materials at their start, and what is saved of it."""

import keras
import numpy as np
import pytest
from autodiff import to_numpy

import keras_sandwich as ks

SMALL = {"encoder_filters": (3,), "decoder_filters": (4, 3)}


def through(model, maps):
    """The prediction where the codec loses nothing."""
    coded = model.call_through(maps, lambda x: ({"rate": x[:, 0, 0, 0]}, x))
    return {name: to_numpy(coded[name]) for name in ("bottleneck", "prediction")}


@pytest.fixture(scope="module")
def normal_maps():
    normals = [ks.datasets.generate_normal_map(64, seed) for seed in (1, 5)]
    return np.stack([ks.pictures.normals_to_levels(each) for each in normals])


@pytest.mark.parametrize("sampling", ["4:2:0", "4:4:4"])
def test_normal_maps_start_as_their_potential(normal_maps, sampling):
    model = ks.models.create_normal_map_codec_model(sampling, **SMALL)
    outputs = through(model, normal_maps)
    middle = np.s_[:, 14:-14, 14:-14]  # the kernels see nothing beyond the edges
    error = np.abs(outputs["prediction"] - normal_maps)[middle]
    assert error.mean() < 1.0
    proxy = model.codec_proxy
    planes = outputs["bottleneck"]
    if sampling == "4:2:0":  # otherwise R, G and B are what is coded
        planes = planes @ ks.ops.color.RGB_TO_YUV.T
    assert planes[..., 2].std() < 0.01
    assert proxy.proxy.convert_to_yuv == proxy.rate_model.interleaved == (sampling == "4:2:0")
    assert proxy.proxy.chroma_subsampling == proxy.rate_model.chroma_subsampling == sampling
    assert model.qstep_range == (4, 64)
    assert float(to_numpy(model.gamma)) == pytest.approx(0.5 * 4 * 64)


def test_materials_start_as_they_are():
    model = ks.models.create_material_codec_model(**SMALL)
    materials = np.stack([ks.datasets.generate_material(48, seed) for seed in (1, 2)])
    error = np.abs(through(model, materials)["prediction"] - materials)[:, 8:-8, 8:-8]
    error = error.mean(axis=(0, 1, 2))
    assert error[[0, 1, 2, 5, 6, 7]].max() < 1e-2
    assert error[3:5].max() < 2.0
    assert not model.codec_proxy.rate_model.interleaved


def test_the_start_is_saved(normal_maps, tmp_path):
    model = ks.models.create_normal_map_codec_model(**SMALL)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    for name, expected in through(model, normal_maps).items():
        np.testing.assert_allclose(through(again, normal_maps)[name], expected, atol=1e-4)


def test_materials_go_through_four_real_files():
    model = ks.models.create_material_codec_model(**SMALL)
    material = ks.datasets.generate_material(48, 3)
    codec = ks.codecs.Split(ks.codecs.JPEG(qstep=4, color_transform=False), (3, 3, 1, 1))
    outputs = ks.transport(model, material[None], codec)
    files = [codec.codec.encode(part) for part in np.split(outputs["bottleneck"][0], (3, 6, 7), -1)]
    assert outputs["rate"][0] == 8 * sum(len(file) + 2 for file in files)  # two bytes say how long
    error = ks.losses.ShadingError(ks.pictures.MATERIAL_MAPS)(material[None], outputs["prediction"])
    assert float(to_numpy(error)) < 40.0


def test_bad_arguments():
    with pytest.raises(ValueError, match="chroma_subsampling"):
        ks.models.create_normal_map_codec_model("4:1:1", **SMALL)
    with pytest.raises(TypeError, match="unknown"):
        ks.models.create_material_codec_model(unknown=3)
