"""Normal maps: files with vectors that are known, and codings against formulas written anew."""

import numpy as np
import pytest
from PIL import Image

import keras_sandwich as ks

VECTORS = np.array([[[0.0, 0.0, 1.0], [0.6, 0.0, 0.8]], [[0.0, -0.6, 0.8], [-0.48, 0.64, 0.6]]])


def saved(path, vectors):
    """As an artist's program saves them: 8 bits, (n + 1)/2."""
    Image.fromarray(np.uint8(np.round(127.5 * (np.asarray(vectors) + 1)))).save(path)
    return path


def test_a_file_s_vectors_are_read_to_its_eight_bits(tmp_path):
    read = ks.pictures.read_normal_map(saved(tmp_path / "map.png", VECTORS))
    np.testing.assert_allclose(read, VECTORS, atol=0.006)
    np.testing.assert_allclose(np.linalg.norm(read, axis=-1), 1, atol=1e-6)


def test_directx_has_green_down(tmp_path):
    read = ks.pictures.read_normal_map(saved(tmp_path / "map.png", VECTORS), "directx")
    np.testing.assert_allclose(read, VECTORS * [1, -1, 1], atol=0.006)
    picture = ks.pictures.normals_to_picture(read, "directx")
    np.testing.assert_array_equal(picture, np.asarray(Image.open(tmp_path / "map.png")))


def test_sixteen_bits_are_kept(tmp_path):
    imagecodecs = pytest.importorskip("imagecodecs")
    deep = np.uint16(np.round(32767.5 * (VECTORS + 1)))
    (tmp_path / "map.png").write_bytes(imagecodecs.png_encode(deep))
    read = ks.pictures.read_normal_map(tmp_path / "map.png")
    np.testing.assert_allclose(read, VECTORS, atol=3e-5)
    np.testing.assert_array_equal(ks.pictures.normals_to_picture(read, bits=16), deep)


def test_other_lengths_are_brought_to_one_and_black_points_up(tmp_path):
    shorter = VECTORS * [[[0.7], [0.7]], [[0.9], [0.9]]]
    many = np.tile(shorter, (8, 8, 1))
    many[0, 0] = -1.0  # black
    many[1, 1] = [0.3, 0.0, -0.6]  # away from the viewer, one of 256
    read = ks.pictures.read_normal_map(saved(tmp_path / "map.png", many))
    np.testing.assert_allclose(read[2:4, 2:4], VECTORS, atol=0.01)
    np.testing.assert_array_equal(read[0, 0], [0, 0, 1])
    np.testing.assert_allclose(read[1, 1], [1, 0, 0], atol=0.02)


def test_of_x_and_y_alone_z_follows(tmp_path):
    flat_blue = np.concatenate([VECTORS[..., :2], np.full((2, 2, 1), 1.0)], axis=-1)
    read = ks.pictures.read_normal_map(saved(tmp_path / "map.png", flat_blue))
    np.testing.assert_allclose(read, VECTORS, atol=0.02)


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        (VECTORS * [1, 1, -1], "object's own space"),
        (VECTORS * 0.3, "shorter than 0.5 or longer than 1.5"),
        (VECTORS[..., :1].repeat(3, -1)[..., 0], "three channels"),
    ],
)
def test_what_is_no_normal_map_is_refused(tmp_path, vectors, words):
    with pytest.raises(ValueError, match=words):
        ks.pictures.read_normal_map(saved(tmp_path / "map.png", vectors))


def test_bad_arguments(tmp_path):
    with pytest.raises(ValueError, match="`convention` must be one of 'opengl', 'directx'"):
        ks.pictures.read_normal_map(tmp_path / "map.png", "vulkan")
    with pytest.raises(ValueError, match=r"Received lengths from 0.5"):
        ks.pictures.normals_to_levels(VECTORS * 0.5)
    with pytest.raises(ValueError, match="z from -1"):
        ks.pictures.normals_to_levels(VECTORS * [1, 1, -1])


def test_levels_are_of_x_and_y():
    levels = ks.pictures.normals_to_levels(VECTORS)
    np.testing.assert_allclose(levels, 127.5 * (VECTORS[..., :2] + 1), rtol=1e-6)
    np.testing.assert_allclose(ks.pictures.levels_to_normals(levels), VECTORS, atol=1e-6)
    # Longer than 1 lies in the surface.
    np.testing.assert_allclose(
        ks.pictures.levels_to_normals(np.array([255.0, 255.0])), [0.5**0.5, 0.5**0.5, 0], atol=1e-6
    )


def test_octahedral_coding_is_cigolle_s():
    # Listing 3 of Cigolle et al. 2014, "A Survey of Efficient Representations for Independent Unit Vectors".
    for x, y, z in VECTORS.reshape(-1, 3):
        p = np.array([x, y]) / (abs(x) + abs(y) + z)
        expected = [p[0] + p[1], p[0] - p[1]]
        np.testing.assert_allclose(ks.pictures.normals_to_octahedral([x, y, z]), expected)
        np.testing.assert_allclose(ks.pictures.octahedral_to_normals(expected), [x, y, z])
