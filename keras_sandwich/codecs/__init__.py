"""Real codecs on the host: pictures and clips to the bytes of files, and back. No Keras."""

from keras_sandwich.codecs.avif import AVIF
from keras_sandwich.codecs.codec import Codec, Split
from keras_sandwich.codecs.heic import HEIC
from keras_sandwich.codecs.jpeg import JPEG
from keras_sandwich.codecs.jpeg2000 import JPEG2000
from keras_sandwich.codecs.jpegli import Jpegli
from keras_sandwich.codecs.jpegxl import JPEGXL
from keras_sandwich.codecs.many import decode_many, encode_many
from keras_sandwich.codecs.metadata import read_metadata
from keras_sandwich.codecs.png import PNG
from keras_sandwich.codecs.registry import codec_for
from keras_sandwich.codecs.samples import from_samples, to_samples
from keras_sandwich.codecs.subsampling import every_subsampling
from keras_sandwich.codecs.svtav1 import SVTAV1
from keras_sandwich.codecs.video_codec import VideoCodec
from keras_sandwich.codecs.vp9 import VP9
from keras_sandwich.codecs.webp import WebP
from keras_sandwich.codecs.x264 import X264
from keras_sandwich.codecs.x265 import X265

__all__ = [
    "AVIF",
    "HEIC",
    "JPEG",
    "JPEG2000",
    "JPEGXL",
    "PNG",
    "SVTAV1",
    "VP9",
    "X264",
    "X265",
    "Codec",
    "Jpegli",
    "Split",
    "VideoCodec",
    "WebP",
    "codec_for",
    "decode_many",
    "encode_many",
    "every_subsampling",
    "from_samples",
    "read_metadata",
    "to_samples",
]
