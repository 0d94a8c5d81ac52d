"""The sandwich for clips: its networks see each frame alone, the codec between them predicts frames from frames."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_sandwich.layers.video_codec_proxy import VideoCodecProxy, depth_levels
from keras_sandwich.losses.rate_distortion import range_penalty
from keras_sandwich.models.compress_intra import CompressIntraModel
from keras_sandwich.models.compression_model import CODEC_MAX, Coder, CompressionModel

SIDE_INPUTS = ("flow", "bit_depth")
EIGHT_BIT_MIDDLE = 128.0
# What an image codec's proxy has and a video codec's has not, and the value that means its absence.
WITHOUT = {
    "luma_table": None,
    "chroma_table": None,
    "image_max": CODEC_MAX,
    "arithmetic": "float",
    "train_tables": False,
}


@keras.saving.register_keras_serializable(package="keras_sandwich")
class CompressVideoModel(CompressionModel):
    """A video codec between two networks, for clips.

    Each frame goes through the preprocessor; the codec proxy codes the first bottleneck of a clip as a picture and the
    others by what the frame before does not predict; each decoded bottleneck goes through the postprocessor (Guleryuz
    et al., arXiv 2402.05887, section V). `fit` minimises distortion + γ·rate/N, N the elements of a clip: frames ×
    height × width × channels. The bar shows loss, distortion, psnr (of whole clips), bpp and qstep (of first frames).

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    model = ks.models.create_basic_video_model(
        gamma=700.0, encoder_filters=(4,), decoder_filters=(4, 4), search_radius=2
    )
    model.compile("adam", loss="mse")
    clips = np.random.default_rng(0).uniform(0, 255, (2, 2, 32, 48, 3)).astype("float32")
    model.fit(clips, batch_size=1, verbose=0)
    outputs = model(clips)
    assert outputs["prediction"].shape == clips.shape and outputs["rate"].shape == (2,)
    ```

    Args:
        preprocessor: a `Preprocessor`, any layer from frames to bottlenecks, or None: the frames go to the codec.
        postprocessor: a `Postprocessor`, any layer from decoded bottlenecks to frames, or None.
        codec_proxy: a `VideoCodecProxy`, which has the loop filter too, if there is one.
        gamma: γ ≥ 0, the weight of the rate, a variable.
        model_keys: as in `CompressIntraModel`.
        bottleneck_penalty: add the penalty for bottlenecks of all frames outside the codec's range.
        qstep_range: as in `CompressIntraModel`; in training each clip has a step of its own, for all its frames.
        cost_in_decibels: as in `CompressIntraModel`, of each clip.
        seed: seed of these steps.

    Call arguments:
        inputs: clips [batch, frames, height, width, channels] in [0, 255] (255·2^k with truncated bits), of any dtype,
            or a dict of such tensors by `model_keys`. The number of frames is known. Beside the keys the dict may have
            "flow", [batch, frames − 1, height, width, 2]: where in the frame before each pixel comes from, in pixels
            of the clip, rows and columns; without it blocks are matched. And "bit_depth", [batch] or [batch, 1], 8 to
            16: clips are then in [0, 2^bit_depth − 1], and so are their bottlenecks.

    Returns:
        A dict: "prediction" [batch, frames, height, width, channels]; "rate" [batch], the bits of a clip, and
        "motion_bits" [batch] of them, those of its motion; "bottleneck", of the first frame as it is and of the others
        clipped; "recons_bottleneck" as decoded; "errors" and "compressed_errors", what was coded of each frame and what
        was decoded of it (`VideoCodecProxy`); "qstep" [batch] with a `qstep_range`; "range_penalty" [batch] with a
        `bottleneck_penalty`; and the prediction's part of each of `model_keys`.

    Raises:
        ValueError: γ < 0; keys that collide with the result's, are missing, or do not fit the networks' channels; clips
            of another rank, or whose number of frames is unknown; a flow or a bit depth that does not fit.
    """

    axes = ("batch", "frames", "height", "width", "channels")
    decoded_key = "recons_bottleneck"
    reserved_keys = (
        *("recons_bottleneck", "motion_bits", "errors", "compressed_errors", "range_penalty"),
        *SIDE_INPUTS,
    )

    def __init__(
        self,
        preprocessor: Any,
        postprocessor: Any,
        codec_proxy: Any,
        gamma: float = 50.0,
        model_keys: Sequence[str] = ("image",),
        bottleneck_penalty: bool = False,
        qstep_range: Sequence[float] | None = None,
        cost_in_decibels: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            preprocessor,
            postprocessor,
            codec_proxy,
            gamma,
            model_keys=model_keys,
            bottleneck_penalty=bottleneck_penalty,
            qstep_range=qstep_range,
            cost_in_decibels=cost_in_decibels,
            seed=seed,
            **kwargs,
        )

    @classmethod
    def from_image_model(
        cls, image_model: CompressIntraModel, bottleneck_penalty: bool = False, **codec: Any
    ) -> "CompressVideoModel":
        """A sandwich for clips that starts with the networks, the step, γ and the keys of one for pictures.

        Example:

        ```python
        import keras_sandwich as ks

        pictures = ks.models.CompressIntraModel.from_preset("grayscale")
        clips = ks.models.CompressVideoModel.from_image_model(pictures, search_radius=4)
        assert clips.count_params() == pictures.count_params() + 1  # another step
        ```

        Args:
            image_model: which keeps its weights to itself: they are copied.
            bottleneck_penalty: of the new model.
            **codec: arguments of `VideoCodecProxy`, in the place of those that the image codec's proxy has.

        Returns:
            A `CompressVideoModel`, built if the image model is, not compiled.

        Raises:
            ValueError: a proxy with quantization tables, or of libjpeg's arithmetic, which no video codec has.
        """
        proxy = image_model.codec_proxy
        config = proxy.get_config()
        foreign = {name: config[name] for name, absent in WITHOUT.items() if config[name] != absent}
        if foreign:
            raise ValueError(
                "A video codec's proxy has flat tables, 8 bits and float arithmetic. Received an image model whose "
                f"proxy has {', '.join(foreign)} of its own; make one without."
            )
        kept = ("train_qstep", "min_qstep", "convert_to_yuv", "chroma_subsampling", "rounding")
        options = {
            **{name: config[name] for name in (*kept, "seed")},
            "qstep_intra": config["qstep_init"],
            "qstep_inter": config["qstep_init"],
            "rate_model": _copy(proxy.rate_model),
            "loop_filter": _copy(image_model.loop_filter),
            "dtype": proxy.dtype_policy,
            "name": proxy.name,
            **codec,
        }
        model = cls(
            _copy(image_model.preprocessor),
            _copy(image_model.postprocessor),
            VideoCodecProxy(**options),
            float(ops.convert_to_numpy(image_model.gamma)),
            model_keys=image_model.model_keys,
            bottleneck_penalty=bottleneck_penalty,
            qstep_range=image_model.qstep_range,
            cost_in_decibels=image_model.cost_in_decibels,
            seed=image_model.seed,
            dtype=image_model.dtype_policy,
        )
        if image_model.built:
            shapes = {
                key: (None, None, None, None, channels)
                for key, channels in zip(
                    image_model.model_keys, image_model.key_channels, strict=True
                )
            }
            model.build(shapes)
            model._start_from(image_model, codec)
        return model

    def _start_from(self, image_model: CompressIntraModel, given: Mapping[str, Any]) -> None:
        """Takes over the weights, but those of what was given."""
        proxy = self.codec_proxy
        stages = [
            (self.preprocessor, image_model.preprocessor),
            (self.postprocessor, image_model.postprocessor),
        ]
        if "loop_filter" not in given:
            stages.append((proxy.loop_filter, image_model.loop_filter))
        for own, other in stages:
            if other is not None:
                own.set_weights(other.get_weights())
        qstep = float(ops.convert_to_numpy(image_model.codec_proxy.qstep))
        for part in ("intra", "inter"):
            if f"qstep_{part}" not in given:
                getattr(proxy, part).qstep.assign(qstep)

    # Building and calling

    def _codec_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return (shape[0], None, *shape[1:])

    def side_inputs(self, inputs: Any) -> dict[str, Any]:
        """Of a dict, its flow and its bit depth, where it has them."""
        if not isinstance(inputs, Mapping):
            return {}
        return {name: inputs[name] for name in SIDE_INPUTS if name in inputs}

    def call_through(self, inputs: Any, code: Coder, qstep: Any = None) -> dict[str, Any]:
        clips = self.concatenate(inputs)
        depth = self.side_inputs(inputs).get("bit_depth")
        if depth is None:
            return super().call_through(clips, code, qstep)
        if self.num_truncate_bits:
            raise ValueError(
                "Clips have a `bit_depth` of their own, or the model truncates them. Received `bit_depth` for a model "
                f"with num_truncate_bits={self.num_truncate_bits}; leave one of them out."
            )
        outputs = super().call_through(_to_eight_bits(clips, depth), code, qstep)
        restored = {
            n: _from_eight_bits(outputs[n], depth) for n in ("prediction", *self.model_keys)
        }
        return {**outputs, **restored}

    def preprocess(self, images: Any, qstep: Any = None) -> Any:
        """Clips, a dict, or single frames [batch, height, width, channels] to bottlenecks, not clipped."""
        return _frame_by_frame(super().preprocess, self.concatenate(images), qstep)

    def code_by_proxy(
        self,
        bottleneck: Any,
        training: bool | None = None,
        qstep: Any = None,
        flow: Any = None,
        bit_depth: Any = None,
    ) -> tuple[dict[str, Any], Any]:
        """Bottlenecks of clips to (what the codec proxy returns, the decoded clips of 8 bits)."""
        told = {**self._proxy_qstep(qstep), "flow": flow, "training": training}
        largest: Any = CODEC_MAX
        if bit_depth is not None:
            told["bit_depth"] = bit_depth
            bottleneck = _from_eight_bits(bottleneck, bit_depth)
            largest = _levels(bit_depth)[0]
        coded = dict(self.codec_proxy(bottleneck, **told))
        if self.bottleneck_penalty:
            coded["range_penalty"] = range_penalty(bottleneck, largest)
        decoded = coded["recons_bottleneck"]
        return coded, decoded if bit_depth is None else _to_eight_bits(decoded, bit_depth)

    def postprocess(self, bottlenecks: Any, output_size: Any = None, qstep: Any = None) -> Any:
        """Decoded bottlenecks of clips, or of single frames, to them; the rest as in `CompressIntraModel`."""

        def postprocess(frames: Any, step: Any) -> Any:
            return CompressionModel.postprocess(self, frames, output_size, step)

        return _frame_by_frame(postprocess, bottlenecks, qstep)

    def compute_output_shape(self, input_shape: Any) -> dict[str, Any]:
        coded, prediction = self.stage_shapes(input_shape)
        scalars = ["rate", "motion_bits"]
        scalars += ["qstep"] * (self.qstep_range is not None)
        scalars += ["range_penalty"] * self.bottleneck_penalty
        clips = ("bottleneck", "recons_bottleneck", "errors", "compressed_errors")
        return {
            "prediction": prediction,
            **dict.fromkeys(clips, coded),
            **dict.fromkeys(scalars, coded[:1]),
            **self._keys.shapes(prediction),
        }

    # Training and saving

    def _range_penalty(self, outputs: Any) -> Any:
        return outputs["range_penalty"]  # its bottlenecks are clipped

    def _peaks(self, inputs: Any) -> Any:
        depth = self.side_inputs(inputs).get("bit_depth")
        return None if depth is None else ops.reshape(_levels(depth)[0], (-1,))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["loop_filter"]  # the proxy's own
        return config


def _copy(layer: Any) -> Any:
    """A layer of the same configuration, without its weights."""
    if layer is None:
        return None
    return keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))


def _frame_by_frame(stage: Callable[[Any, Any], Any], clips: Any, qstep: Any) -> Any:
    """A stage for pictures on the frames of clips, each with its clip's step; on pictures as it is."""
    clips = ops.convert_to_tensor(clips, "float32")
    if len(clips.shape) != 5:
        return stage(clips, qstep)
    _, frames, *size = ops.shape(clips)
    if qstep is not None and len(ops.shape(qstep)) == 1:
        qstep = ops.repeat(qstep, frames)
    results = stage(ops.reshape(clips, (-1, *size)), qstep)
    return ops.reshape(results, (-1, frames, *ops.shape(results)[1:]))


def _levels(bit_depth: Any) -> tuple[Any, Any]:
    """The largest and the middle level of each clip, [batch or 1, 1, 1, 1, 1]."""
    largest, middle = (level[..., None] for level in depth_levels(bit_depth))
    return largest, middle


def _to_eight_bits(clips: Any, bit_depth: Any) -> Any:
    """Levels of clips as the networks know them: the middle at 128, the range 255."""
    largest, middle = _levels(bit_depth)
    return (clips - middle) * (CODEC_MAX / largest) + EIGHT_BIT_MIDDLE


def _from_eight_bits(clips: Any, bit_depth: Any) -> Any:
    largest, middle = _levels(bit_depth)
    return (clips - EIGHT_BIT_MIDDLE) * (largest / CODEC_MAX) + middle
