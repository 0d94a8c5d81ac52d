"""Which codec a file name asks for."""

import os

from keras_sandwich.codecs.avif import AVIF
from keras_sandwich.codecs.codec import Codec
from keras_sandwich.codecs.heic import HEIC
from keras_sandwich.codecs.jpeg import JPEG
from keras_sandwich.codecs.jpeg2000 import JPEG2000
from keras_sandwich.codecs.jpegxl import JPEGXL
from keras_sandwich.codecs.png import PNG
from keras_sandwich.codecs.webp import WebP

CODECS: tuple[type[Codec], ...] = (JPEG, WebP, AVIF, JPEG2000, HEIC, JPEGXL, PNG)


def codec_for(path: str | os.PathLike[str]) -> type[Codec]:
    """The class of codecs for a file's name or suffix.

    Example:

    ```python
    import keras_sandwich as ks

    assert ks.codecs.codec_for("photographs/one.JPG") is ks.codecs.JPEG
    assert ks.codecs.codec_for(".avif") is ks.codecs.AVIF
    ```

    Args:
        path: a path or a suffix, in letters of either case.

    Returns:
        A class derived from `Codec`.

    Raises:
        ValueError: no codec writes files of that suffix.
    """
    name = os.fspath(path).lower()
    for codec in CODECS:
        if name.endswith(codec.suffixes):
            return codec
    known = ", ".join(suffix for codec in CODECS for suffix in codec.suffixes)
    raise ValueError(f"Expected a name that ends in one of {known}. Received {os.fspath(path)!r}.")
