"""Pictures to train on and to measure with, for any backend."""

from keras_sandwich.datasets.image_folder import ImageFolder, image_folder
from keras_sandwich.datasets.pictures import load_images
from keras_sandwich.datasets.recoloring import recolor
from keras_sandwich.datasets.sample_photographs import sample_images, sample_names
from keras_sandwich.datasets.tfds import load_tfds_images

__all__ = [
    "ImageFolder",
    "image_folder",
    "load_images",
    "load_tfds_images",
    "recolor",
    "sample_images",
    "sample_names",
]
