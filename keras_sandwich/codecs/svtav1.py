"""AV1, as SVT-AV1 writes it."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from keras_sandwich._arguments import check_integer
from keras_sandwich.codecs.video_codec import INTRA_PERIOD, VideoCodec


@dataclasses.dataclass(frozen=True, kw_only=True)
class SVTAV1(VideoCodec):
    """AV1 as SVT-AV1 writes it: clips of 8 or 10 bits to the bytes of an MP4 file, and back. Needs the `video` extra.

    It codes 4:2:0 alone; one channel is coded with constant chroma, whose bits are counted. The strength, of which more
    is fewer bits, is `qp` or `crf`.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    codec = ks.codecs.SVTAV1(crf=30, preset=10)
    clip = np.tile(np.arange(64, dtype="uint8"), (3, 64, 1))[..., None]
    file = codec.encode(clip)
    assert codec.decode(file).shape == (3, 64, 64, 1) and codec.count_bits(file) < 8 * len(file)
    ```

    Args:
        qp: the quantizer, 1 to 63; 32 if neither is given. Deeper frames of a random-access group take steps of
            SVT-AV1's own around it.
        crf: SVT-AV1's constant quality, of the same range; whole numbers.
        gop: "low_delay": frames are predicted from those before them; "random_access": also from those behind, and an
            intra frame every 32.
        chroma_subsampling: "4:2:0".
        bits: 8 or 10.
        color_transform: code Y, Cb and Cr of R, G and B; False: the channels are those already.
        matrix: "bt709", "bt601" or "bt2020", of the colour transform, written into the stream.
        preset: 0, the slowest, to 13.

    Raises:
        ValueError: both qp and crf, or a value out of its range.
    """

    preset: int = 6

    kind: ClassVar[str] = "AV1"
    encoder: ClassVar[str] = "libsvtav1"
    depths: ClassVar[tuple[int, ...]] = (8, 10)
    least: ClassVar[int] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "preset", check_integer(self.preset, "preset", 0, 13))
        if self.crf is not None:
            object.__setattr__(self, "crf", float(check_integer(self.crf, "crf", 1, 63)))

    @property
    def options(self) -> dict[str, str]:
        """What the encoder is told, in FFmpeg's words."""
        low_delay = self.gop == "low_delay"
        words = ["lp=1", f"pred-struct={1 if low_delay else 2}", "scd=0"]
        words.append(f"keyint={-1 if low_delay else INTRA_PERIOD}")
        if self.qp is not None:
            words += ["rc=0", "aq-mode=0", f"qp={self.qp}"]
        else:
            words += ["rc=0", "aq-mode=2", f"crf={self.crf:g}"]
        return {"preset": str(self.preset), "svtav1-params": ":".join(words)}

    def encode(self, clip: np.ndarray) -> bytes:
        with _errors_alone():
            return super().encode(clip)


@contextlib.contextmanager
def _errors_alone() -> Iterator[None]:
    """SVT-AV1 prints its settings to stderr for each clip, unless the environment says otherwise."""
    name = "SVT_LOG"
    given = name in os.environ
    if not given:
        os.environ[name] = "1"
    try:
        yield
    finally:
        if not given:
            del os.environ[name]
