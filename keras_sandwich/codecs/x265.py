"""HEVC, as x265 writes it."""

import dataclasses
from typing import ClassVar

from keras_sandwich.codecs.x26x import X26X


@dataclasses.dataclass(frozen=True, kw_only=True)
class X265(X26X):
    """HEVC as x265 writes it: clips of 8, 10 or 12 bits to the bytes of an MP4 file, and back. Needs the `video` extra.

    One channel is coded as 4:0:0. The strength, of which more is fewer bits, is `qp` or `crf`.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    codec = ks.codecs.X265(qp=24, gop="ippp", preset="ultrafast")
    clip = np.tile(np.arange(64, dtype="uint8"), (3, 48, 1))[..., None]
    file = codec.encode(clip)
    assert codec.decode(file).shape == (3, 48, 64, 1) and codec.count_bits(file) < 8 * len(file)
    ```

    Args:
        qp: the quantizer of all frames, 0 to 51; 32 if neither is given.
        crf: x265's constant quality, of the same range.
        gop: "ippp": P frames, each predicted from the one before it; "low_delay": P frames, from as many as the preset
            has; "random_access": B frames too, and an I frame every 32.
        chroma_subsampling: of colour, "4:2:0" or "4:4:4".
        bits: 8, 10 or 12.
        color_transform: code Y, Cb and Cr of R, G and B; False: the channels are those already.
        matrix: "bt709", "bt601" or "bt2020", of the colour transform, written into the stream.
        monochrome: code one channel as 4:0:0; False: with constant chroma, which more players take.
        preset: x265's, "ultrafast" to "placebo".

    Raises:
        ValueError: both qp and crf, or a value out of its range.
    """

    kind: ClassVar[str] = "HEVC"
    encoder: ClassVar[str] = "libx265"
    depths: ClassVar[tuple[int, ...]] = (8, 10, 12)
    endless: ClassVar[str] = "-1"
    own_words: ClassVar[tuple[str, ...]] = (
        "pools=none",
        "frame-threads=1",
        "info=0",
        "log-level=none",
    )

    @property
    def largest(self) -> int:
        """The largest quantizer."""
        return 51
