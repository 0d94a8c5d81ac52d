"""Keras layers of the codec proxy, and JPEG as an augmentation."""

from keras_sandwich.layers.encode_decode_intra import EncodeDecodeIntra
from keras_sandwich.layers.jpeg_proxy import JpegProxy
from keras_sandwich.layers.random_jpeg import RandomJpeg
from keras_sandwich.layers.rate_models import GaussianRate, JpegRate

__all__ = ["EncodeDecodeIntra", "GaussianRate", "JpegProxy", "JpegRate", "RandomJpeg"]
