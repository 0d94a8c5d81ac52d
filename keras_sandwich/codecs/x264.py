"""H.264, as x264 writes it."""

import dataclasses
from typing import ClassVar

from keras_sandwich._arguments import require_option
from keras_sandwich.codecs.video_codec import INTRA_PERIOD, VideoCodec

PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)


def group_of_pictures(gop: str, endless: str) -> list[str]:
    """The words of x264 and x265 for each kind: which frames there are, and what they are predicted from.

    `endless` is each one's word for no intra frame but the first.
    """
    if gop == "random_access":
        return [f"keyint={INTRA_PERIOD}", f"min-keyint={INTRA_PERIOD}", "scenecut=0"]
    one = ["ref=1"] if gop == "ippp" else []
    return [f"keyint={endless}", "scenecut=0", "bframes=0", *one]


@dataclasses.dataclass(frozen=True, kw_only=True)
class X264(VideoCodec):
    """H.264 as x264 writes it: clips of 8 or 10 bits to the bytes of an MP4 file, and back. Needs the `video` extra.

    One channel is coded as 4:0:0. The strength, of which more is fewer bits, is `qp` or `crf`. x264's note of its own
    settings, some 700 bytes, is left out of the stream.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    codec = ks.codecs.X264(qp=24, gop="ippp")
    clip = np.tile(np.arange(64, dtype="uint8"), (3, 48, 1))[..., None]
    file = codec.encode(clip)
    assert codec.decode(file).shape == (3, 48, 64, 1) and codec.count_bits(file) < 8 * len(file)
    ```

    Args:
        qp: the quantizer of all frames, 0 (lossless at 8 bits) to 51, or to 63 at 10 bits, where the same step is 12
            further up; 32 if neither is given.
        crf: x264's constant quality, of the same range.
        gop: "ippp": P frames, each predicted from the one before it; "low_delay": P frames, from as many as the preset
            has; "random_access": B frames too, and an I frame every 32.
        chroma_subsampling: of colour, "4:2:0" or "4:4:4".
        bits: 8 or 10.
        color_transform: code Y, Cb and Cr of R, G and B; False: the channels are those already.
        matrix: "bt709", "bt601" or "bt2020", of the colour transform, written into the stream.
        monochrome: code one channel as 4:0:0; False: with constant chroma, which more players take.
        preset: x264's, "ultrafast" to "placebo".

    Raises:
        ValueError: both qp and crf, or a value out of its range.
    """

    monochrome: bool = True
    preset: str = "medium"

    kind: ClassVar[str] = "H.264"
    encoder: ClassVar[str] = "libx264"
    depths: ClassVar[tuple[int, ...]] = (8, 10)
    subsamplings: ClassVar[tuple[str, ...]] = ("4:2:0", "4:4:4")
    gops: ClassVar[tuple[str, ...]] = ("ippp", "low_delay", "random_access")
    unwanted_units: ClassVar[str | None] = "6"  # supplemental information

    def __post_init__(self) -> None:
        super().__post_init__()
        require_option(self.preset, PRESETS, "preset")

    @property
    def largest(self) -> int:
        """The largest quantizer."""
        return 51 + 6 * (self.bits - 8)

    @property
    def options(self) -> dict[str, str]:
        """What the encoder is told, in FFmpeg's words."""
        words = [*group_of_pictures(self.gop, "infinite"), "threads=1"]
        if self.qp is not None:
            words += [f"qp={self.qp}", "ipratio=1", "pbratio=1"]
        else:
            words.append(f"crf={self.crf:g}")
        return {"preset": self.preset, "x264-params": ":".join(words)}
