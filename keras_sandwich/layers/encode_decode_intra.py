"""The codec as the sandwich sees it: images in, decoded images and their bits out."""

import inspect
import math
from typing import Any

import keras
from keras import ops

from keras_sandwich.layers.jpeg_proxy import JpegProxy, require_channels
from keras_sandwich.layers.quantizer import LARGEST, require_positive_qstep
from keras_sandwich.layers.rate_models import GaussianRate, JpegRate
from keras_sandwich.ops.quantization import known
from keras_sandwich.ops.shapes import require_images

ELU_ALPHA = 0.01
LEAST_QSTEP = 0.01  # elu(q) comes down to -0.01, and a step must be positive


@keras.saving.register_keras_serializable(package="keras_sandwich")
class EncodeDecodeIntra(keras.layers.Layer):
    """Rounds images to integers, codes each on its own through `JpegProxy`, and estimates the bits.

    The effective quantizer step is elu(q, alpha=0.01) + min_qstep, q being a trained scalar or the caller's value
    (Guleryuz et al., arXiv 2402.05887, section III).

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    codec = ks.layers.EncodeDecodeIntra(qstep_init=7.0)
    images = np.random.default_rng(0).uniform(0, 255, (2, 40, 48, 1)).astype("float32")
    decoded, bits = codec(images)
    assert decoded.shape == images.shape and bits.shape == (2,)
    assert float(codec.effective_qstep()) == 8.0
    ```

    Args:
        qstep_init: where q starts, > 0; the effective step starts at `qstep_init + min_qstep`.
        train_qstep: q is a trained weight. Otherwise it is `qstep_init` or what each call gives.
        min_qstep: added to elu(q), ≥ 0. Whatever it is, the effective step is never below 0.01.
        rate_model: "jpeg" (`JpegRate`), "gaussian" (`GaussianRate`), or a layer called as
            (indices, unrounded, qstep[, image_size]) that returns bits per image, [batch].
        luma_table: as in `JpegProxy`, as the arguments that follow.
        chroma_table: steps of the other two of every three channels.
        convert_to_yuv: convert RGB to YUV and back.
        chroma_subsampling: "4:4:4", "4:2:2" or "4:2:0".
        clip_to_image_max: clip the decoded images to [0, image_max].
        image_max: the largest pixel value.
        rounding: "straight_through", "uniform_noise" or "cubic".
        seed: seed of the noise.
        arithmetic: "float" or "libjpeg": pixels and bits exactly as libjpeg's, the effective step being rounded.
        train_tables: the two tables are weights.

    Call arguments:
        images: [batch, height, width, channels] in [0, image_max].
        qstep: q of this call, > 0, a scalar or one per image, [batch]; only with `train_qstep=False`.
        quality: instead of any step, 1 to 100, a scalar or one per image, [batch]; only with `train_qstep=False` and
            without tables. In tensors, values out of range count as in `JpegProxy`.

    Returns:
        decoded: like `images`, float32.
        rate: bits per image, [batch] float32.

    Raises:
        ValueError: a bad option, as in `JpegProxy`; `qstep` or `quality` given although the step is trained.
    """

    def __init__(
        self,
        qstep_init: float = 1.0,
        train_qstep: bool = True,
        min_qstep: float = 1.0,
        rate_model: str | keras.layers.Layer = "jpeg",
        luma_table: Any = None,
        chroma_table: Any = None,
        convert_to_yuv: bool = False,
        chroma_subsampling: str = "4:4:4",
        clip_to_image_max: bool = True,
        image_max: float = 255.0,
        rounding: str = "straight_through",
        seed: int | None = None,
        arithmetic: str = "float",
        train_tables: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        require_positive_qstep(qstep_init, "qstep_init")
        if not min_qstep >= 0:
            raise ValueError(f"`min_qstep` must not be negative. Received min_qstep={min_qstep}.")
        self.qstep_init = float(qstep_init)
        self.train_qstep = train_qstep
        self.min_qstep = float(min_qstep)
        self.proxy = JpegProxy(
            luma_table=luma_table,
            chroma_table=chroma_table,
            convert_to_yuv=convert_to_yuv,
            chroma_subsampling=chroma_subsampling,
            clip_to_image_max=clip_to_image_max,
            image_max=image_max,
            rounding=rounding,
            seed=seed,
            arithmetic=arithmetic,
            train_tables=train_tables,
            dtype=self.dtype_policy,
            name="proxy",
        )
        self.rate_model = self._make_rate_model(rate_model)
        self._rate_takes_size = "image_size" in inspect.signature(self.rate_model.call).parameters

    def _make_rate_model(self, rate_model: Any) -> Any:
        if rate_model == "gaussian":
            return GaussianRate(dtype=self.dtype_policy, name="rate_model")
        if rate_model == "jpeg":
            return JpegRate(
                interleaved=self.proxy.convert_to_yuv,
                chroma_subsampling=self.proxy.chroma_subsampling,
                dtype=self.dtype_policy,
                name="rate_model",
            )
        if isinstance(rate_model, JpegRate):
            expected = (self.proxy.convert_to_yuv, self.proxy.chroma_subsampling)
            if (rate_model.interleaved, rate_model.chroma_subsampling) != expected:
                raise ValueError(
                    "The rate model must count the scans that this codec writes: expected "
                    f"JpegRate(interleaved={expected[0]}, chroma_subsampling={expected[1]!r}). "
                    f"Received interleaved={rate_model.interleaved}, "
                    f"chroma_subsampling={rate_model.chroma_subsampling!r}."
                )
        if isinstance(rate_model, keras.layers.Layer):
            return rate_model
        raise ValueError(
            "`rate_model` must be 'jpeg', 'gaussian' or a keras.layers.Layer called as "
            f"(indices, unrounded, qstep). Received rate_model={rate_model!r}."
        )

    def build(self, input_shape: Any) -> None:
        require_channels(input_shape, self.proxy.convert_to_yuv)
        self.proxy.build(input_shape)
        self.qstep = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(self.qstep_init),
            trainable=self.train_qstep,
            dtype="float32",
            autocast=False,  # Keras casts a mixed layer's variables where the layer itself is called
            name="qstep",
        )
        if not self.rate_model.built:
            # A symbolic call builds any layer, also one that has no `build` of its own.
            components = [keras.KerasTensor((1, 2, 2, 64)) for _ in range(input_shape[-1])]
            sizes = {"image_size": (16, 16)} if self._rate_takes_size else {}
            self.rate_model(components, components, keras.KerasTensor(()), **sizes)

    def effective_qstep(self, qstep: Any = None) -> Any:
        """elu(q, 0.01) + min_qstep, of the weight or of the q given."""
        q = self.qstep if qstep is None else ops.convert_to_tensor(qstep, "float32")
        step = ops.elu(ops.convert_to_tensor(q), alpha=ELU_ALPHA) + self.min_qstep
        # With a gradient also at the bound, or a trained step would stay there.
        return step + ops.stop_gradient(ops.relu(LEAST_QSTEP - step))

    def set_effective_qstep(self, qstep: float) -> None:
        """Gives the weight q the value that makes this the effective step.

        Args:
            qstep: in pixel levels, from `min_qstep`, and at most 255 with `arithmetic="libjpeg"`.

        Raises:
            ValueError: a step out of that range, or a layer that is not built.
        """
        if not self.built:
            raise ValueError("The layer has no step yet. Call `layer.build(shape)` first.")
        least = max(self.min_qstep, LEAST_QSTEP)
        most = LARGEST if self.proxy.quantizer.whole else math.inf
        if not (least <= qstep <= most and qstep < math.inf):
            raise ValueError(
                f"The effective step must be finite, at least `min_qstep` ({least:g} here) and at "
                f"most {most:g}. Received {qstep}."
            )
        self.qstep.assign(qstep - self.min_qstep)  # elu(q) = q for q ≥ 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Keras makes tensors of NumPy arguments before `call`; here their values are still known.
        qstep = args[1] if len(args) > 1 else kwargs.get("qstep")
        quality = args[2] if len(args) > 2 else kwargs.get("quality")
        self.check(qstep, quality)
        return super().__call__(*args, **kwargs)

    def check(self, qstep: Any, quality: Any = None) -> None:
        """ValueError unless the arguments of a call, as far as they are known, can be used."""
        for name, value in (("qstep", qstep), ("quality", quality)):
            if value is not None and self.train_qstep:
                raise ValueError(
                    f"`{name}` was given, but this layer trains its own step. "
                    "Make the layer with train_qstep=False to give it on each call."
                )
        require_positive_qstep(qstep)
        if quality is not None:
            self.proxy.quantizer.check(qstep, quality)
        elif self.proxy.arithmetic == "libjpeg" and not self.train_qstep:
            values = known(self.qstep_init if qstep is None else qstep)
            if values is not None:
                effective = values + self.min_qstep  # elu(q) = q for q > 0
                self.proxy.quantizer.check(effective, name="qstep + min_qstep")

    def call(
        self,
        images: Any,
        qstep: Any = None,
        quality: Any = None,
        training: bool | None = None,
    ) -> Any:
        images = require_images(images)
        if quality is None:
            step = self.effective_qstep(qstep)
            steps = self.proxy.quantizer.steps(step)
        else:
            step = ops.ones((), "float32")
            steps = self.proxy.quantizer.steps(quality=quality)
        decoded, indices, unrounded = self.proxy.code(images, steps, training, whole_pixels=True)
        return decoded, self.count_bits(indices, unrounded, step, ops.shape(images)[1:3])

    def count_bits(self, indices: Any, unrounded: Any, step: Any, image_size: Any) -> Any:
        """The rate model's bits, [batch], of indices as `proxy.code` returns them, at an effective step."""
        sizes = {"image_size": image_size} if self._rate_takes_size else {}
        return self.rate_model(indices, unrounded, step, **sizes)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape), (input_shape[0],)

    def compute_output_spec(
        self, images: Any, qstep: Any = None, quality: Any = None, training: Any = None
    ) -> Any:
        decoded, rate = self.compute_output_shape(images.shape)
        return keras.KerasTensor(decoded), keras.KerasTensor(rate)

    def get_config(self) -> dict[str, Any]:
        proxy = self.proxy.get_config()
        passed_on = (
            "luma_table",
            "chroma_table",
            "convert_to_yuv",
            "chroma_subsampling",
            "clip_to_image_max",
            "image_max",
            "rounding",
            "seed",
            "arithmetic",
            "train_tables",
        )
        return {
            **super().get_config(),
            "qstep_init": self.qstep_init,
            "train_qstep": self.train_qstep,
            "min_qstep": self.min_qstep,
            "rate_model": keras.saving.serialize_keras_object(self.rate_model),
            **{name: proxy[name] for name in passed_on},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "EncodeDecodeIntra":
        config = dict(config)
        if isinstance(config["rate_model"], dict):
            config["rate_model"] = keras.saving.deserialize_keras_object(config["rate_model"])
        return cls(**config)
