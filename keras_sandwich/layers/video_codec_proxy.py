"""A video codec as the sandwich sees it: clips in, decoded clips and their bits out."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sandwich._arguments import require_integers, require_option
from keras_sandwich.layers.encode_decode_intra import EncodeDecodeIntra
from keras_sandwich.ops.block_matching import match_blocks, vectors_to_flow
from keras_sandwich.ops.blocks import BLOCK, pad_to_multiple, sum_blocks
from keras_sandwich.ops.inter_intra import choose_prediction
from keras_sandwich.ops.motion_bits import PRECISIONS, motion_bits
from keras_sandwich.ops.quantization import require_whole
from keras_sandwich.ops.resampling import resize
from keras_sandwich.ops.rounding import clip
from keras_sandwich.ops.warping import resize_flow, warp

LEAST_DEPTH, LARGEST_DEPTH = 8, 16
# Squared pixel levels that a bit is worth to an encoder, in squared steps: 0.85·2^((QP − 12)/3) with the step
# 2^((QP − 4)/6) of H.264 (Sullivan and Wiegand, 1998).
BIT_PRICE = 0.85 * 2.0 ** (-8 / 3)


@keras.saving.register_keras_serializable(package="keras_sandwich")
class VideoCodecProxy(keras.layers.Layer):
    """Codes the first frame of clips as a picture, and of each other frame what the frame before does not predict.

    A frame is predicted by its predecessor, as decoded, moved by a flow that is given or by the displacements of
    blocks, which are searched for and whose bits are counted. Each 8×8 block takes that prediction unless a coarse
    picture of its own frame (one value a block) is nearer. The rest is coded by the proxy of the image codec, at a step
    of its own, and not clipped (Guleryuz et al., arXiv 2402.05887, section V).

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    codec = ks.layers.VideoCodecProxy(qstep_intra=7.0, qstep_inter=7.0)
    clips = np.random.default_rng(0).uniform(0, 255, (2, 3, 32, 48, 1)).astype("float32")
    coded = codec(clips)
    assert coded["recons_bottleneck"].shape == clips.shape and coded["rate"].shape == (2,)
    ```

    Args:
        qstep_intra: where q of first frames starts; the effective step is elu(q, alpha=0.01) + `min_qstep`.
        qstep_inter: where q of the other frames starts.
        train_qstep: both q are trained weights. Otherwise they are as above, or what each call gives.
        min_qstep: added to elu(q), ≥ 0.
        rate_model: as in `EncodeDecodeIntra`: "jpeg", "gaussian", or a layer.
        convert_to_yuv: convert RGB to YUV and back.
        chroma_subsampling: "4:4:4", "4:2:2" or "4:2:0".
        rounding: "straight_through", "uniform_noise" or "cubic".
        seed: seed of the noise.
        loop_filter: a layer from decoded pictures to better ones, such as `models.LoopFilter`. It also filters what
            predicts the next frame. It is not trained.
        block_size: pixels of the side of the blocks that move, a multiple of 8, where no flow is given.
        search_radius: their largest displacement in each direction, in pixels.
        precision: displacements are multiples of 1/precision pixel: 1, 2 or 4.

    Call arguments:
        clips: [batch, frames, height, width, channels] in [0, 2^bit_depth − 1]; the number of frames is known.
        flow: where in the frame before each pixel comes from, [batch, frames − 1, height, width, 2], in pixels: rows,
            columns; `flow[:, t − 1]` is that of frame t. Of a larger size, it is reduced (`ops.resize_flow`). It
            costs no bits, though a codec spends some 3 to 15 % of them on motion. None: blocks are matched.
        bit_depth: 8 to 16: of all clips, or of each, [batch] or [batch, 1].
        qstep: q of this call in place of both, > 0, a scalar or one per clip, [batch]; only with `train_qstep=False`.

    Returns:
        A dict of float32 tensors, of the clips' shape where nothing else is said:
        recons_bottleneck: the decoded clips, not clipped.
        rate: bits per clip, [batch], those of motion included.
        motion_bits: bits of the displacements, [batch]; 0 with a `flow`. Without a gradient.
        bottleneck: the clips, all frames but the first clipped to their range.
        errors: the first frame, and then what was not predicted, around half of 2^bit_depth.
        compressed_errors: those as decoded.

    Raises:
        ValueError: a bad option; clips of another rank, or whose number of frames is unknown; a flow that does not fit
            them; a bit depth out of its range; `qstep` given although the steps are trained.
    """

    def __init__(
        self,
        qstep_intra: float = 1.0,
        qstep_inter: float = 1.0,
        train_qstep: bool = True,
        min_qstep: float = 1.0,
        rate_model: str | keras.layers.Layer = "jpeg",
        convert_to_yuv: bool = False,
        chroma_subsampling: str = "4:4:4",
        rounding: str = "straight_through",
        seed: int | None = None,
        loop_filter: keras.layers.Layer | None = None,
        block_size: int = 16,
        search_radius: int = 8,
        precision: int = 4,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        require_integers(block_size=block_size, search_radius=search_radius)
        require_option(precision, PRECISIONS, "precision")
        if block_size % BLOCK:
            raise ValueError(
                f"`block_size` must be a multiple of {BLOCK}, the side of the blocks that choose "
                f"their prediction. Received block_size={block_size}."
            )
        self.train_qstep = train_qstep
        self.min_qstep = float(min_qstep)
        self.block_size = block_size
        self.search_radius = search_radius
        self.precision = precision
        self.loop_filter = loop_filter
        if loop_filter is not None:
            loop_filter.trainable = False

        def coder(name: str, qstep: float, seed: int | None) -> EncodeDecodeIntra:
            return EncodeDecodeIntra(
                qstep_init=qstep,
                train_qstep=train_qstep,
                min_qstep=min_qstep,
                rate_model=rate_model,
                convert_to_yuv=convert_to_yuv,
                chroma_subsampling=chroma_subsampling,
                clip_to_image_max=False,  # errors have no range; nor is a frame clipped, as published
                rounding=rounding,
                seed=seed,
                dtype=self.dtype_policy,
                name=name,
            )

        self.intra = coder("intra", qstep_intra, seed)
        self.inter = coder("inter", qstep_inter, None if seed is None else seed + 1)

    def build(self, clips_shape: Any) -> None:
        _require_clips_shape(clips_shape, any_number=True)
        shape = (None, None, None, clips_shape[-1])
        for part in (self.intra, self.inter, self.loop_filter):
            if part is not None and not part.built:
                part.build(shape)

    def effective_qstep(self, qstep: Any = None) -> Any:
        """The step of first frames, elu(q, 0.01) + min_qstep, of the weight or of the q given.

        That of the other frames is `inter.effective_qstep`, the same for a q that is given.
        """
        return self.intra.effective_qstep(qstep)

    def set_effective_qstep(self, qstep: float) -> None:
        """Gives both weights q the value that makes this the effective step; see `EncodeDecodeIntra`."""
        for part in (self.intra, self.inter):
            part.set_effective_qstep(qstep)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Keras makes tensors of NumPy arguments before `call`; here their values are still known.
        given = dict(zip(("clips", "flow", "bit_depth", "qstep"), args, strict=False), **kwargs)
        self.inter.check(given.get("qstep"))
        require_whole(given.get("bit_depth", LEAST_DEPTH), LEAST_DEPTH, LARGEST_DEPTH, "bit_depth")
        return super().__call__(*args, **kwargs)

    def call(
        self,
        clips: Any,
        flow: Any = None,
        bit_depth: Any = LEAST_DEPTH,
        qstep: Any = None,
        training: bool | None = None,
    ) -> dict[str, Any]:
        clips = ops.convert_to_tensor(clips, "float32")
        _require_clips_shape(clips.shape)
        top, middle = depth_levels(bit_depth)
        number = clips.shape[1]
        size = ops.shape(clips)[2:4]
        clipped = clip(clips, 0.0, top[:, None])
        first, later = clipped[:, 0], [clipped[:, t] for t in range(1, number)]
        flows = self._flows(flow, clips, size)

        step = self.intra.effective_qstep(qstep)
        decoded, indices, unrounded = _code(self.intra, first, step, training)
        rate = self.intra.count_bits(indices, unrounded, step, size)
        intra = self._intra_predictions(clipped[:, 1:], step, training) if later else []
        errors, compressed, decoded_frames = [clips[:, 0]], [decoded], [self._filtered(decoded)]

        step = self.inter.effective_qstep(qstep)
        motion = ops.zeros_like(rate)
        coefficients: list[Any] = []
        for frame, own_flow, own_prediction in zip(later, flows, intra, strict=True):
            reference = decoded_frames[-1]
            vectors = None
            if own_flow is None:
                vectors = self._match(frame, reference, step)
                own_flow = vectors_to_flow(vectors, size, self.block_size)
            moved = warp(reference, own_flow)
            prediction, is_inter = choose_prediction(frame, moved, own_prediction)
            if vectors is not None:
                motion = motion + self._motion_bits(vectors, is_inter)
            error = frame - prediction + middle
            decoded, *of_frame = _code(self.inter, error, step, training)
            coefficients.append(of_frame)
            errors.append(error)
            compressed.append(decoded)
            decoded_frames.append(self._filtered(decoded - middle + prediction))
        if later:
            rate = rate + self._inter_bits(coefficients, step, size)
        return {
            "recons_bottleneck": ops.stack(decoded_frames, axis=1),
            "rate": rate + motion,
            "motion_bits": motion,
            "bottleneck": ops.stack([clips[:, 0], *later], axis=1),
            "errors": ops.stack(errors, axis=1),
            "compressed_errors": ops.stack(compressed, axis=1),
        }

    def _flows(self, flow: Any, clips: Any, size: Any) -> list[Any]:
        """Each later frame's flow, of the clips' size; None for each where blocks are to be matched."""
        number = clips.shape[1]
        if flow is None:
            return [None] * (number - 1)
        flow = ops.convert_to_tensor(flow, "float32")
        if len(flow.shape) != 5 or flow.shape[1] != number - 1 or flow.shape[-1] != 2:
            raise ValueError(
                f"`flow` must be [batch, {number - 1}, height, width, 2] for clips of {number} frames. "
                f"Received shape {tuple(flow.shape)}."
            )
        return [resize_flow(flow[:, t], size) for t in range(number - 1)]

    def _intra_predictions(self, frames: Any, step: Any, training: Any) -> list[Any]:
        """Coarse pictures of the frames as decoded, [batch, height, width, channels] each."""
        _, _, height, width, channels = ops.shape(frames)
        number = frames.shape[1]
        flat = ops.reshape(frames, (-1, height, width, channels))
        if len(step.shape) == 1:
            step = ops.repeat(step, number, axis=0)
        decoded, _, _ = _code(self.intra, flat, step, training)
        padded = pad_to_multiple(decoded, BLOCK)
        _, padded_height, padded_width, _ = ops.shape(padded)
        coarse = resize(padded, (padded_height // BLOCK, padded_width // BLOCK), "bicubic")
        coarse = resize(coarse, (padded_height, padded_width), "nearest")[:, :height, :width]
        coarse = ops.reshape(coarse, (-1, number, height, width, channels))
        return [coarse[:, t] for t in range(number)]

    def _match(self, frame: Any, reference: Any, step: Any) -> Any:
        return match_blocks(
            frame,
            reference,
            self.block_size,
            self.search_radius,
            self.precision,
            ops.stop_gradient(BIT_PRICE * step * step),
        )

    def _motion_bits(self, vectors: Any, is_inter: Any) -> Any:
        """The bits of the displacements of those blocks of which any part uses its own."""
        used = sum_blocks(ops.cast(is_inter, "float32")[..., None], self.block_size // BLOCK)
        return motion_bits(vectors, self.precision, used[..., 0] > 0)

    def _inter_bits(self, coefficients: list[Any], step: Any, size: Any) -> Any:
        """The bits of all frames but the first, [batch], counted together: one program, not one for each frame."""
        number = len(coefficients)
        indices, unrounded = (_frames_together(kind) for kind in zip(*coefficients, strict=True))
        if len(step.shape) == 1:
            step = ops.tile(step, (number,))
        bits = self.inter.count_bits(indices, unrounded, step, size)
        return ops.sum(ops.reshape(bits, (number, -1)), axis=0)

    def _filtered(self, decoded: Any) -> Any:
        if self.loop_filter is None:
            return decoded
        return ops.cast(self.loop_filter(decoded), "float32")

    def compute_output_spec(self, clips: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        _require_clips_shape(clips.shape)
        shapes = dict.fromkeys(
            (
                "recons_bottleneck",
                "rate",
                "motion_bits",
                "bottleneck",
                "errors",
                "compressed_errors",
            ),
            tuple(clips.shape),
        )
        shapes["rate"] = shapes["motion_bits"] = (clips.shape[0],)
        return {name: keras.KerasTensor(shape, "float32") for name, shape in shapes.items()}

    def get_config(self) -> dict[str, Any]:
        intra, inter = self.intra.get_config(), self.inter.get_config()
        passed_on = (
            "train_qstep",
            "min_qstep",
            "rate_model",
            "convert_to_yuv",
            "chroma_subsampling",
            "rounding",
            "seed",
        )
        return {
            **super().get_config(),
            "qstep_intra": intra["qstep_init"],
            "qstep_inter": inter["qstep_init"],
            **{name: intra[name] for name in passed_on},
            "loop_filter": keras.saving.serialize_keras_object(self.loop_filter),
            "block_size": self.block_size,
            "search_radius": self.search_radius,
            "precision": self.precision,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "VideoCodecProxy":
        config = dict(config)
        for name in ("rate_model", "loop_filter"):
            if isinstance(config[name], dict):
                config[name] = keras.saving.deserialize_keras_object(config[name])
        return cls(**config)


def _code(coder: EncodeDecodeIntra, images: Any, step: Any, training: Any) -> Any:
    """(Decoded images, indices, unrounded indices), without their bits."""
    steps = coder.proxy.quantizer.steps(step)
    return coder.proxy.code(images, steps, training, whole_pixels=True)


def _frames_together(components: Any) -> list[Any]:
    """For each frame a list of its channels' components: one component for each channel, frames one after the other."""
    return [ops.concatenate(channel, axis=0) for channel in zip(*components, strict=True)]


def depth_levels(bit_depth: Any) -> tuple[Any, Any]:
    """The largest and the middle level of each clip's frames, [batch or 1, 1, 1, 1]."""
    depth = ops.reshape(ops.cast(ops.convert_to_tensor(bit_depth), "int32"), (-1, 1, 1, 1))
    powers = ops.convert_to_tensor((2.0 ** np.arange(LARGEST_DEPTH + 1)).tolist(), "float32")
    return ops.take(powers, depth, axis=0) - 1.0, ops.take(powers, depth - 1, axis=0)


def _require_clips_shape(shape: Any, any_number: bool = False) -> None:
    if len(shape) != 5 or not (shape[1] or any_number) or shape[-1] is None:
        raise ValueError(
            "Expected clips [batch, frames, height, width, channels] with a known number of frames "
            f"and of channels. Received shape {tuple(shape)}."
        )
