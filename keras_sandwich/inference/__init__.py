"""A model in use: pictures of any size, through the files of real codecs."""

from keras_sandwich.inference.equivalent_qstep import equivalent_qstep
from keras_sandwich.inference.tiling import postprocess_picture, preprocess_picture
from keras_sandwich.inference.transport import transport

__all__ = ["equivalent_qstep", "postprocess_picture", "preprocess_picture", "transport"]
