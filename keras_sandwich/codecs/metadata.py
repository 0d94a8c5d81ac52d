"""XMP and ICC profiles that stand in files."""

import io

from keras_sandwich.codecs.checks import check_data
from keras_sandwich.codecs.header import found_metadata
from keras_sandwich.codecs.libraries import damage_in_words, pillow
from keras_sandwich.codecs.registry import format_of


def read_metadata(data: bytes) -> tuple[bytes | None, bytes | None]:
    """XMP and ICC profile of a file: JPEG, WebP, AVIF, HEIC, and whatever else Pillow opens. No pixel is decoded.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    file = ks.codecs.JPEG().encode(np.zeros((8, 8, 1), "uint8"), xmp=b"<x:xmpmeta/>")
    assert ks.codecs.read_metadata(file) == (b"<x:xmpmeta/>", None)
    ```

    Args:
        data: the bytes of a file.

    Returns:
        `(xmp, icc_profile)`, each as bytes, or None where the file has none.

    Raises:
        ValueError: the file is damaged, or larger than can be meant.
        TypeError: what was given is no bytes.
        OSError: the file is of no kind that is known.
        ImportError: Pillow, or for HEIC pillow-heif, is not installed.
    """
    data = check_data(data)
    kind = format_of(data)
    if kind is not None and kind.carries_metadata:
        header = kind.codec.read_header(data)
        return header.xmp, header.icc_profile
    with damage_in_words("picture"), pillow("read_metadata").open(io.BytesIO(data)) as picture:
        return found_metadata(picture.info)
