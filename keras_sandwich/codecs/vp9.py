"""VP9, as libvpx writes it."""

import dataclasses
from typing import ClassVar

from keras_sandwich._arguments import check_integer
from keras_sandwich.codecs.video_codec import INTRA_PERIOD, VideoCodec


@dataclasses.dataclass(frozen=True, kw_only=True)
class VP9(VideoCodec):
    """VP9 as libvpx writes it: clips of 8 bits to the bytes of an MP4 file, and back. Needs the `video` extra.

    One channel is coded with constant chroma, whose bits are counted. The strength, of which more is fewer bits, is
    `qp` or `crf`.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    codec = ks.codecs.VP9(qp=30, gop="low_delay", preset=6)
    clip = np.tile(np.arange(64, dtype="uint8"), (3, 48, 1))[..., None]
    file = codec.encode(clip)
    assert codec.decode(file).shape == (3, 48, 64, 1) and codec.count_bits(file) < 8 * len(file)
    ```

    Args:
        qp: the quantizer of all frames, 0 to 63; 32 if neither is given.
        crf: libvpx's constant quality, of the same range; whole numbers.
        gop: "low_delay": frames are predicted from those before them; "random_access": also from a hidden one from
            behind, and an intra frame every 32.
        chroma_subsampling: of colour, "4:2:0" or "4:4:4".
        bits: 8.
        color_transform: code Y, Cb and Cr of R, G and B; False: the channels are those already.
        matrix: "bt709", "bt601" or "bt2020", of the colour transform, written into the stream.
        preset: libvpx's `cpu-used`, 0, the slowest, to 8.

    Raises:
        ValueError: both qp and crf, or a value out of its range.
    """

    preset: int = 2

    kind: ClassVar[str] = "VP9"
    encoder: ClassVar[str] = "libvpx-vp9"
    subsamplings: ClassVar[tuple[str, ...]] = ("4:2:0", "4:4:4")

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "preset", check_integer(self.preset, "preset", 0, 8))
        if self.crf is not None:
            object.__setattr__(self, "crf", float(check_integer(self.crf, "crf", 0, 63)))

    @property
    def options(self) -> dict[str, str]:
        """What the encoder is told, in FFmpeg's words."""
        low_delay = self.gop == "low_delay"
        if self.qp is not None:
            level = {"crf": str(self.qp), "qmin": str(self.qp), "qmax": str(self.qp)}
        else:
            level = {"crf": f"{self.crf:g}"}
        group = {"lag-in-frames": "0", "auto-alt-ref": "0"} if low_delay else {}
        return {
            **level,
            **group,
            "b": "0",
            "g": "9999" if low_delay else str(INTRA_PERIOD),
            "deadline": "good",
            "cpu-used": str(self.preset),
            "row-mt": "0",
        }
