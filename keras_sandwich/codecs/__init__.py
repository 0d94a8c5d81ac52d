"""Real codecs on the host: uint8 pictures to bytes and back. No Keras."""

from keras_sandwich.codecs.jpeg import JPEG

__all__ = ["JPEG"]
