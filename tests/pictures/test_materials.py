"""Material folders as they are published, and what a renderer makes of maps that are missing."""

import numpy as np
import pytest
from PIL import Image

import keras_sandwich as ks


def save(path, color, size=(4, 3)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L" if isinstance(color, int) else "RGB", size, color).save(path)


def test_maps_are_found_by_the_usual_ends_of_names(tmp_path):
    for name in (
        "Rock020_1K_Color.jpg",
        "Rock020_1K_NormalGL.jpg",
        "Rock020_1K_AmbientOcclusion.jpg",
        "Rock020_1K_Displacement.jpg",
        "helmet/Helmet_BaseColor.png",
        "helmet/Helmet_OcclusionRoughMetal.png",
        "wood/wood_base_color.png",
        "wood/wood_nor_dx.png",
        "wood/wood-metallic.png",
        "wood/wood.rough.png",
        "tiles/albedo.png",
    ):
        save(tmp_path / name, (128, 128, 255))
    found = ks.pictures.find_materials(tmp_path)
    assert {name: sorted(maps) for name, maps in found.items()} == {
        "Rock020_1K": ["color", "normal opengl", "occlusion"],
        "helmet/Helmet": ["color", "packed"],
        "wood/wood": ["color", "metalness", "normal directx", "roughness"],
        "tiles/tiles": ["color"],
    }
    assert found["helmet/Helmet"]["packed"] == tmp_path / "helmet/Helmet_OcclusionRoughMetal.png"


def test_channels_are_where_they_belong(tmp_path):
    save(tmp_path / "M_Color.png", (10, 20, 30))
    save(tmp_path / "M_NormalDX.png", (204, 51, 230))
    save(tmp_path / "M_ORM.png", (250, 60, 70))
    save(tmp_path / "M_Roughness.png", 90)  # a map of its own counts, not the packed one
    material = ks.pictures.read_material(tmp_path)
    assert material.shape == (3, 4, 8)
    assert material.dtype == np.float32
    np.testing.assert_allclose(material[0, 0], [10, 20, 30, 204, 204, 90, 70, 250], atol=0.5)


@pytest.mark.parametrize("given", ["color", "normal_xy"])
def test_missing_maps_are_those_of_the_renderer(tmp_path, given):
    """Renders of the whole material and of the map alone, of which the renderer fills in the rest."""
    if given == "color":
        save(tmp_path / "M_Color.png", (10, 200, 30))
    else:
        save(tmp_path / "M_Normal.png", (180, 100, 230))
    material = ks.pictures.read_material(tmp_path)[None]
    alone = material[..., :3] if given == "color" else material[..., 3:5]
    light, view = [0.5, 0.3, 0.8], [-0.2, 0.1, 0.9]
    whole = ks.ops.render_material(material, light, view, ks.pictures.MATERIAL_MAPS)
    part = ks.ops.render_material(alone, light, view, (given,))
    np.testing.assert_allclose(whole, np.broadcast_to(part, whole.shape), atol=0.2)


def test_sixteen_bits_are_kept(tmp_path):
    save(tmp_path / "M_Color.png", (10, 20, 30))
    Image.fromarray(np.full((3, 4), 40_000, "uint16")).save(tmp_path / "M_Roughness.png")
    material = ks.pictures.read_material(tmp_path)
    np.testing.assert_allclose(material[..., 5], 255 * 40_000 / 65535, rtol=1e-6)


def test_what_is_no_material_is_said_in_words(tmp_path):
    save(tmp_path / "notes.png", 90)
    with pytest.raises(ValueError, match=r"one material .* Received none"):
        ks.pictures.read_material(tmp_path)
    save(tmp_path / "A_Roughness.png", 90)
    with pytest.raises(ValueError, match=r"at least a colour or a normal map.* Received roughness"):
        ks.pictures.read_material(tmp_path)
    save(tmp_path / "A_Color.png", (10, 20, 30), size=(8, 8))
    with pytest.raises(ValueError, match=r"roughness 4×3, color 8×8|color 8×8, roughness 4×3"):
        ks.pictures.read_material(tmp_path)
    save(tmp_path / "B_Color.png", (10, 20, 30))
    with pytest.raises(ValueError, match="Received A, B; pass one of find_materials"):
        ks.pictures.read_material(tmp_path)
    save(tmp_path / "B_BaseColor.png", (10, 20, 30))
    with pytest.raises(ValueError, match="'B' has two maps of the kind 'color'"):
        ks.pictures.find_materials(tmp_path)


def test_a_gray_packed_map_is_refused(tmp_path):
    save(tmp_path / "A_Color.png", (10, 20, 30))
    save(tmp_path / "A_ORM.png", 90)
    with pytest.raises(ValueError, match="packed map has three channels"):
        ks.pictures.read_material(tmp_path)
