"""Keras layers of the proxies of an image and a video codec, and JPEG as an augmentation."""

from keras_sandwich.layers.encode_decode_intra import EncodeDecodeIntra
from keras_sandwich.layers.jpeg_proxy import JpegProxy
from keras_sandwich.layers.random_jpeg import RandomJpeg
from keras_sandwich.layers.rate_models import GaussianRate, JpegRate
from keras_sandwich.layers.video_codec_proxy import VideoCodecProxy

__all__ = [
    "EncodeDecodeIntra",
    "GaussianRate",
    "JpegProxy",
    "JpegRate",
    "RandomJpeg",
    "VideoCodecProxy",
]
