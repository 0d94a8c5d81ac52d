"""What a gain must be claimed over and needs no training: the codec without networks, and linear filters around it.

A *linear baseline* is what a sandwich starts from: linear filters before and after the codec. Where a codec of one
channel is to carry colour there are two: chroma modulated on a carrier, the highest horizontal and the highest vertical
frequency of the luma, as colour television once sent it; and chroma multiplexed into DCT coefficients of the luma's
blocks.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_sandwich.codecs import every_subsampling
from keras_sandwich.evaluation.curve import RDCurve
from keras_sandwich.evaluation.frontier import upper_envelope
from keras_sandwich.evaluation.measured_pictures import measured_pictures
from keras_sandwich.evaluation.measuring import rd_curve
from keras_sandwich.models.baselines import create_linear_baseline
from keras_sandwich.models.compress_intra import CompressIntraModel
from keras_sandwich.models.linear_start import MACROBLOCK
from keras_sandwich.ops.color import rgb_to_yuv
from keras_sandwich.ops.shapes import as_tensor

_LARGE = 1 << 20  # a side from which a factor can be read, though the bottleneck's is rounded


class CodecAlone:
    """The codec without networks; optionally as luma only (4:0:0), so that no colour comes back.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    luma_only = ks.evaluation.CodecAlone(luma_only=True)
    bottleneck = luma_only.preprocess(np.full((1, 8, 8, 3), 77.0))
    assert bottleneck.shape == (1, 8, 8, 1) and np.allclose(bottleneck, 77.0, atol=1e-3)
    ```

    Args:
        luma_only: code Y only, and return it in all three channels.
        num_truncate_bits: k: pictures of 8 + k bits, in [0, 255·2^k]. Nothing is rounded here, so a codec of 8 + k bits
            codes the samples as they are.
    """

    def __init__(self, luma_only: bool = False, num_truncate_bits: int = 0) -> None:
        self.luma_only = luma_only
        self.num_truncate_bits = num_truncate_bits
        self.name = "codec alone, luma only (4:0:0)" if luma_only else "codec alone"

    def preprocess(self, images: Any) -> Any:
        """What the codec is given."""
        images = rgb_to_yuv(images)[..., :1] if self.luma_only else as_tensor(images)
        return self._scaled(images, 2.0**-self.num_truncate_bits)

    def postprocess(self, bottlenecks: Any, output_size: Any = None) -> Any:
        """What is shown for what the codec decoded."""
        pictures = self._scaled(as_tensor(bottlenecks), 2.0**self.num_truncate_bits)
        return ops.repeat(pictures, 3, axis=-1) if self.luma_only else pictures

    def _scaled(self, tensor: Any, scale: float) -> Any:
        return ops.cast(tensor, "float32") * scale if self.num_truncate_bits else tensor


def best_subsampling(
    system: Any,
    images: Any,
    codec: Any,
    strengths: Sequence[float] | None = None,
    name: str | None = None,
    **options: Any,
) -> RDCurve:
    """The best that a system reaches around a codec over the codec's chroma subsamplings: the curves' upper envelope.

    Which subsampling is best depends on the rate, so a gain over one of them alone may be a gain over a straw. It
    depends on the metric too, and of several `metrics` the first chooses. For an envelope of each, measure once and
    choose afterwards: `rd_curve` with every codec of `codecs.every_subsampling(codec)`, then `upper_envelope(curves,
    metric)`. Where there is nothing to choose, a codec of one subsampling or of R, G and B, or another number of
    channels than three, this is `rd_curve`.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    images = np.random.default_rng(0).uniform(0, 255, (1, 32, 32, 3))
    curve = ks.evaluation.best_subsampling(
        ks.evaluation.CodecAlone(), images, ks.codecs.JPEG(qstep=1), (8, 32), verbose=0
    )
    assert all(source.startswith("codec alone, JPEG 4:") for source in curve.sources)
    ```

    Args:
        system: what `rd_curve` takes.
        images: what `rd_curve` takes.
        codec: a codec of `keras_sandwich.codecs`; its own `chroma_subsampling` does not matter.
        strengths: of every subsampling; by default what `rd_curve` takes.
        name: what to call the curve; by default the system's name.
        **options: of `rd_curve`.

    Returns:
        An `RDCurve` whose `sources` say which subsampling each point is from.
    """
    name = name or str(getattr(system, "name", type(system).__name__))
    names, pictures, _ = measured_pictures(system, images, options.pop("picture_names", ()))
    options |= {"picture_names": names}
    choices = every_subsampling(codec)
    if len(choices) == 1 or _coded_channels(system, pictures) != 3:
        return rd_curve(system, pictures, codec, strengths, name=name, **options)
    curves = [
        rd_curve(system, pictures, choice, strengths, name=f"{name}, {choice.name}", **options)
        for choice in choices
    ]
    return upper_envelope(curves, next(iter(curves[0].quality)), name)


def untrained_baselines(
    model: CompressIntraModel,
    images: Any,
    codec: Any,
    strengths: Sequence[float] | None = None,
    codec_strengths: Sequence[float] | None = None,
    **options: Any,
) -> list[RDCurve]:
    """What a sandwich must be better than and needs no training: its linear baseline, and the codec without networks.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    model = ks.models.create_linear_baseline(bottleneck_channels=1)
    images = np.random.default_rng(0).uniform(0, 255, (1, 32, 32, 3))
    curves = ks.evaluation.untrained_baselines(
        model, images, ks.codecs.JPEG(qstep=1), (8, 32), verbose=0
    )
    assert [curve.name for curve in curves] == [
        "linear baseline, modulated chroma",
        "linear baseline, multiplexed chroma",
        "codec alone",
        "codec alone, luma only (4:0:0)",
    ]
    ```

    Args:
        model: the sandwich: its bottleneck's channels, factor and bits say which linear baseline is its own.
        images: what `rd_curve` takes.
        codec: a codec of `keras_sandwich.codecs`.
        strengths: for the linear baselines; by default what `rd_curve` takes.
        codec_strengths: for the codec without networks, which codes the whole picture; by default `strengths`.
        **options: of `rd_curve`.

    Returns:
        Curves: the linear baseline, of which there are two where one channel carries three, "modulated chroma" and
        "multiplexed chroma", and where the bottleneck has half the size, "bicubic and Lanczos3" and "DCT resampling";
        the codec alone, on the picture as it is; and its luma only where the sandwich's codec is
        grayscale. Each at the best of the codec's subsamplings. For pictures of more than 8 bits the codec alone is
        measured only where it has as many.
    """
    alone = strengths if codec_strengths is None else codec_strengths
    names, pictures, shape = measured_pictures(model, images, options.pop("picture_names", ()))
    options |= {"picture_names": names}
    if not model.built:
        model.build(shape)
    return [
        best_subsampling(
            system,
            pictures,
            codec,
            alone if isinstance(system, CodecAlone) else strengths,
            name=name,
            **options,
        )
        for name, system in untrained_systems(model, codec).items()
    ]


def untrained_systems(model: CompressIntraModel, codec: Any) -> dict[str, Any]:
    """Name → what `untrained_baselines` measures; the model is built if it is not."""
    channels = int(getattr(model.postprocessor, "output_channels", 3))
    if not model.built:
        model.build((None, None, None, channels))
    shapes = model.compute_output_shape((1, _LARGE, _LARGE, channels))
    coded, shown = shapes["bottleneck"][-1], shapes["prediction"][-1]
    factor = _LARGE // shapes["bottleneck"][1]
    truncated = model.num_truncate_bits
    linear = create_linear_baseline(coded, shown, factor, truncated)
    systems: dict[str, Any] = {"linear baseline": linear}
    if (coded, shown, factor) == (1, 3, 1):
        systems = {
            "linear baseline, modulated chroma": linear,
            "linear baseline, multiplexed chroma": create_linear_baseline(
                num_truncate_bits=truncated, patch_size=MACROBLOCK
            ),
        }
    elif factor == 2 and coded == shown:
        systems = {
            "linear baseline, bicubic and Lanczos3": linear,
            "linear baseline, DCT resampling": create_linear_baseline(
                coded, shown, factor, truncated, resampling="dct"
            ),
        }
    if not truncated or getattr(codec, "bits", 8) == 8 + truncated:
        alone = [CodecAlone(False, truncated)]
        if (coded, shown) == (1, 3):
            alone.append(CodecAlone(True, truncated))
        systems |= {system.name: system for system in alone}
    return systems


def _coded_channels(system: Any, pictures: list[np.ndarray]) -> int:
    """How many channels a system gives the codec; three, of a system of the user's own that does not say."""
    channels = pictures[0].shape[-1]
    if isinstance(system, CodecAlone):
        return 1 if system.luma_only else channels
    if not hasattr(system, "preprocessor"):
        return 3
    side = system.preprocessor
    return channels if side is None else int(getattr(side, "output_channels", 3))
