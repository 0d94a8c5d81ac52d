"""What x264 and x265 have in common: presets, groups of pictures, and how a quantizer is told."""

import dataclasses
from typing import ClassVar

from keras_sandwich._arguments import require_option
from keras_sandwich.codecs.video_codec import INTRA_PERIOD, VideoCodec

PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class X26X(VideoCodec):
    """The arguments of `X264` and `X265` beside those of every video codec."""

    monochrome: bool = True
    preset: str = "medium"

    subsamplings: ClassVar[tuple[str, ...]] = ("4:2:0", "4:4:4")
    gops: ClassVar[tuple[str, ...]] = ("ippp", "low_delay", "random_access")
    endless: ClassVar[str]  # the encoder's word for no intra frame but the first
    own_words: ClassVar[tuple[str, ...]]  # of threads and of what is printed

    def __post_init__(self) -> None:
        super().__post_init__()
        require_option(self.preset, PRESETS, "preset")

    @property
    def options(self) -> dict[str, str]:
        """What the encoder is told, in FFmpeg's words."""
        words = [*self._group_of_pictures(), *self.own_words]
        if self.qp is not None:
            words += [f"qp={self.qp}", "ipratio=1", "pbratio=1"]
        else:
            words.append(f"crf={self.crf:g}")
        name = self.encoder.removeprefix("lib")
        return {"preset": self.preset, f"{name}-params": ":".join(words)}

    def _group_of_pictures(self) -> list[str]:
        """Which frames there are, and what they are predicted from."""
        if self.gop == "random_access":
            return [f"keyint={INTRA_PERIOD}", f"min-keyint={INTRA_PERIOD}", "scenecut=0"]
        one = ["ref=1"] if self.gop == "ippp" else []
        return [f"keyint={self.endless}", "scenecut=0", "bframes=0", *one]
