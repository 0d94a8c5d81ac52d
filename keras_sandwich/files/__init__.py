"""Pictures in ordinary image files that a sandwich restores."""

from keras_sandwich.files.corpus import FolderReport, decode_folder, encode_folder
from keras_sandwich.files.decoding import decode_file
from keras_sandwich.files.encoding import encode_file
from keras_sandwich.files.info import FileInfo, read_info

__all__ = [
    "FileInfo",
    "FolderReport",
    "decode_file",
    "decode_folder",
    "encode_file",
    "encode_folder",
    "read_info",
]
