"""Pictures in ordinary image files that a sandwich restores."""

from keras_sandwich.files.decoding import decode_file
from keras_sandwich.files.encoding import encode_file
from keras_sandwich.files.info import FileInfo, read_info

__all__ = ["FileInfo", "decode_file", "encode_file", "read_info"]
