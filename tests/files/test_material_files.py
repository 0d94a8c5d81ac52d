"""A material as four ordinary files, and what is said of files that do not belong together."""

import numpy as np
import pytest
from PIL import Image

import keras_sandwich as ks

SMALL = {"encoder_filters": (3,), "decoder_filters": (4, 3)}
SIZE = (40, 48)


@pytest.fixture(scope="module")
def model():
    return ks.models.create_material_codec_model(**SMALL)


@pytest.fixture(scope="module")
def material():
    return ks.datasets.generate_material(48, seed=4)[: SIZE[0]]


@pytest.fixture
def folder(tmp_path, material):
    """As an artist's program exports it for DirectX."""
    maps = tmp_path / "Rock"
    maps.mkdir()
    Image.fromarray(np.uint8(material[..., :3] + 0.5)).save(maps / "Rock_BaseColor.png")
    normals = ks.pictures.levels_to_normals(material[..., 3:5])
    picture = ks.pictures.normals_to_picture(normals, "directx")
    Image.fromarray(picture).save(maps / "Rock_Normal.png")
    packed = material[..., [7, 5, 6]]
    Image.fromarray(np.uint8(packed + 0.5)).save(maps / "Rock_OcclusionRoughMetal.png")
    return maps


def test_a_material_is_restored_from_ordinary_files(tmp_path, model, material, folder):
    infos = ks.files.encode_material(
        folder, tmp_path / "coded", model, strength=2, convention="directx"
    )
    coded = sorted((tmp_path / "coded").iterdir())
    assert [path.name for path in coded] == [f"Rock.{n}.jpg" for n in (1, 2, 3, 4)]
    assert [Image.open(path).mode for path in coded] == ["RGB", "RGB", "L", "L"]
    assert infos == [ks.files.read_info(path) for path in coded]
    assert [info.holds for info in infos] == [f"material {n}/4 directx" for n in (1, 2, 3, 4)]
    paths = ks.files.decode_material(tmp_path / "coded", tmp_path / "restored", model)
    ends = ("Color", "Normal", "Roughness", "Metalness", "AmbientOcclusion")
    assert [path.name for path in paths] == [f"Rock_{end}.png" for end in ends]
    restored = ks.pictures.read_material(tmp_path / "restored", "directx")
    errors = np.abs(restored - material)[8:-8, 8:-8].mean(axis=(0, 1))
    # A step of 2, over the gains of the planes: 0.2 of metalness, 0.1 of occlusion.
    assert errors[:6].max() < 3.0
    assert errors[6] < 6.0
    assert errors[7] < 12.0


def test_a_size_is_kept_by_all_files_together(tmp_path, model, folder):
    infos = ks.files.encode_material(folder, tmp_path / "coded", model, target_size=6000)
    sizes = [path.stat().st_size for path in (tmp_path / "coded").iterdir()]
    assert 5000 < sum(sizes) <= 6000 == pytest.approx(sum(i.file_size for i in infos), rel=0.2)
    with pytest.raises(ValueError, match="cannot write this picture in 900 bytes"):
        ks.files.encode_material(folder, tmp_path / "coded", model, target_size=900)


def test_files_that_do_not_belong_together_are_refused(tmp_path, model, folder):
    coded = tmp_path / "coded"
    for name, strength in (("A", 8), ("B", 16)):
        ks.files.encode_material(folder, coded, model, name=name, strength=strength)
    with pytest.raises(ValueError, match=r"A.1.jpg, B.1.jpg; give its `name`"):
        ks.files.decode_material(coded, tmp_path, model)
    with pytest.raises(ValueError, match="decode_material"):
        ks.decode_file(coded / "A.1.jpg", tmp_path / "picture.png", model)
    (coded / "A.2.jpg").write_bytes((coded / "B.2.jpg").read_bytes())
    with pytest.raises(ValueError, match=r"A.2.jpg' cannot be restored: it belongs to another"):
        ks.files.decode_material(coded, tmp_path, model, name="A")
    (coded / "B.2.jpg").write_bytes((coded / "B.1.jpg").read_bytes())
    with pytest.raises(ValueError, match="it holds material 1/4 opengl, not file 2"):
        ks.files.decode_material(coded, tmp_path, model, name="B")
    (coded / "B.3.jpg").unlink()
    with pytest.raises(ValueError, match=r"incomplete. Received no B.3.jpg"):
        ks.files.decode_material(coded, tmp_path, model, name="B")


def test_models_for_pictures_and_for_materials_are_told_apart(tmp_path, model, folder):
    picture = ks.models.create_linear_baseline()
    with pytest.raises(ValueError, match="A material has 8 channels"):
        ks.files.encode_material(folder, tmp_path / "coded", picture, strength=8)
    with pytest.raises(ValueError, match=r"use `files.encode_material`"):
        ks.encode_file(folder / "Rock_Normal.png", tmp_path / "coded.jpg", model, strength=8)
