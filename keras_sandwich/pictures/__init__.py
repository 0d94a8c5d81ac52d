"""Picture files as a viewer shows them: found, opened, and brought to pixels whose colours are known. No Keras."""

from keras_sandwich.pictures.finding import find_pictures
from keras_sandwich.pictures.light_codings import decode_pq, encode_pq, encode_pu21
from keras_sandwich.pictures.radiance import load_radiance, save_radiance
from keras_sandwich.pictures.reading import Picture, read_picture, read_srgb

__all__ = [
    "Picture",
    "decode_pq",
    "encode_pq",
    "encode_pu21",
    "find_pictures",
    "load_radiance",
    "read_picture",
    "read_srgb",
    "save_radiance",
]
