"""How codecs take colour apart: the sizes of its planes and the matrix that makes them."""

import dataclasses
from typing import Any

from keras_sandwich._arguments import require_option

SUBSAMPLING = ("4:4:4", "4:2:2", "4:2:0")

IDENTITY, FCC, BT601 = 0, 4, 6  # matrix coefficients of ITU-T H.273


def check_subsampling(chroma_subsampling: str, color_transform: bool) -> None:
    """ValueError for an unknown subsampling, and for R, G and B of different sizes."""
    require_option(chroma_subsampling, SUBSAMPLING, "chroma_subsampling")
    if not color_transform and chroma_subsampling != "4:4:4":
        raise ValueError(
            'color_transform=False codes R, G and B alike: `chroma_subsampling` must be "4:4:4". '
            f"Received chroma_subsampling={chroma_subsampling!r}."
        )


def every_subsampling(codec: Any) -> list[Any]:
    """The codec with each chroma subsampling that it has, of which the best is what a gain must be claimed over.

    Example:

    ```python
    import keras_sandwich as ks

    names = [codec.name for codec in ks.codecs.every_subsampling(ks.codecs.JPEG(qstep=8))]
    assert names == ["JPEG 4:4:4", "JPEG 4:2:2", "JPEG 4:2:0"]
    assert ks.codecs.every_subsampling(ks.codecs.WebP()) == [ks.codecs.WebP()]
    ```

    Args:
        codec: a codec of `keras_sandwich.codecs`; its own `chroma_subsampling` does not matter.

    Returns:
        Codecs; the codec alone where there is nothing to choose: it has one subsampling, or codes R, G and B.
    """
    if not hasattr(codec, "chroma_subsampling") or not getattr(codec, "color_transform", True):
        return [codec]
    return [dataclasses.replace(codec, chroma_subsampling=choice) for choice in SUBSAMPLING]


def format_name(kind: str, chroma_subsampling: str, color_transform: bool, bits: int = 8) -> str:
    """Such as "HEIC 4:2:0, 10 bits"."""
    sampling = chroma_subsampling if color_transform else "RGB"
    return f"{kind} {sampling}" + ("" if bits == 8 else f", {bits} bits")
