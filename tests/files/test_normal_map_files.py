"""A normal map to an ordinary JPEG file and back to a PNG file."""

import numpy as np
import pytest
from PIL import Image

import keras_sandwich as ks


@pytest.fixture(scope="module")
def model():
    return ks.models.create_normal_map_codec_model(
        "4:2:0", encoder_filters=(3,), decoder_filters=(4, 3)
    )


@pytest.mark.parametrize("convention", ["opengl", "directx"])
def test_a_normal_map_is_restored_in_its_convention(tmp_path, model, convention):
    heights = ks.datasets.generate_heights(64, "noise", seed=1)
    normals = ks.datasets.normals_from_heights(heights, 0.5)
    source, target = tmp_path / "normal.png", tmp_path / "coded.jpg"
    picture = ks.pictures.normals_to_picture(normals, convention)
    Image.fromarray(picture).save(source)
    info = ks.encode_file(source, target, model, strength=2, convention=convention)
    assert info.holds == f"normal-map {convention}"
    assert info == ks.files.read_info(target)
    assert info.settings["chroma_subsampling"] == "4:2:0"
    assert Image.open(target).size == (64, 64)
    ks.decode_file(target, tmp_path / "restored.png", model)
    restored = np.asarray(Image.open(tmp_path / "restored.png"))
    assert restored.shape == (64, 64, 3)
    again = ks.pictures.read_normal_map(tmp_path / "restored.png", convention)
    np.testing.assert_allclose(np.linalg.norm(2 * (restored / 255.0) - 1, axis=-1), 1, atol=0.01)
    angle = np.degrees(np.arccos(np.clip((again * normals).sum(axis=-1), -1, 1)))
    assert angle[14:-14, 14:-14].mean() < 3.0


def test_what_is_for_pictures_alone_is_refused(tmp_path, model):
    Image.fromarray(np.full((32, 32, 3), (128, 128, 255), "uint8")).save(tmp_path / "normal.png")
    with pytest.raises(ValueError, match="`effort` refines what pictures look like"):
        ks.encode_file(tmp_path / "normal.png", tmp_path / "coded.jpg", model, strength=8, effort=2)
    Image.new("L", (32, 32), 90).save(tmp_path / "rough.png")
    with pytest.raises(ValueError, match="three channels"):
        ks.encode_file(tmp_path / "rough.png", tmp_path / "coded.jpg", model, strength=8)
