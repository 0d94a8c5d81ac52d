"""Picture files as a viewer shows them: found, opened, and brought to pixels whose meaning is known. No Keras."""

from keras_sandwich.pictures.finding import find_pictures
from keras_sandwich.pictures.light_codings import decode_pq, encode_pq, encode_pu21
from keras_sandwich.pictures.materials import MATERIAL_MAPS, find_materials, read_material
from keras_sandwich.pictures.normal_maps import (
    levels_to_normals,
    normals_to_levels,
    normals_to_octahedral,
    normals_to_picture,
    octahedral_to_normals,
    read_normal_map,
)
from keras_sandwich.pictures.radiance import load_radiance, save_radiance
from keras_sandwich.pictures.reading import Picture, read_levels, read_picture, read_srgb

__all__ = [
    "MATERIAL_MAPS",
    "Picture",
    "decode_pq",
    "encode_pq",
    "encode_pu21",
    "find_materials",
    "find_pictures",
    "levels_to_normals",
    "load_radiance",
    "normals_to_levels",
    "normals_to_octahedral",
    "normals_to_picture",
    "octahedral_to_normals",
    "read_levels",
    "read_material",
    "read_normal_map",
    "read_picture",
    "read_srgb",
    "save_radiance",
]
