"""Pictures in ordinary image files that a sandwich restores."""

from keras_sandwich.files.corpus import FolderReport, decode_folder, encode_folder
from keras_sandwich.files.decoding import decode_file
from keras_sandwich.files.encoding import encode_file
from keras_sandwich.files.info import FileInfo, read_info
from keras_sandwich.files.materials import decode_material, encode_material

__all__ = [
    "FileInfo",
    "FolderReport",
    "decode_file",
    "decode_folder",
    "decode_material",
    "encode_file",
    "encode_folder",
    "encode_material",
    "read_info",
]
