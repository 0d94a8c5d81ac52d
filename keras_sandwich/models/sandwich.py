"""The sandwich: preprocessor → codec proxy → postprocessor, trained as one Keras model."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sandwich.losses.rate_distortion import distortion_per_image, range_penalty
from keras_sandwich.metrics.image_quality import PSNR
from keras_sandwich.metrics.rate import BitsPerPixel
from keras_sandwich.models.classical import fitted_matrices, patch_kernel
from keras_sandwich.models.compile_checks import require_one_distortion, require_other_names
from keras_sandwich.models.exporting import ExportableWhenBuilt
from keras_sandwich.models.freezing import keep_frozen
from keras_sandwich.models.matching_weights import MatchingWeights
from keras_sandwich.models.pixel_range import PeakPixel, PixelRangeCheck
from keras_sandwich.ops.rounding import clip

RESERVED_KEYS = ("prediction", "rate", "bottleneck", "compressed_bottleneck")
CODEC_MAX = 255.0  # a codec for 8-bit pictures


@keras.saving.register_keras_serializable(package="keras_sandwich")
class CompressIntraModel(MatchingWeights, ExportableWhenBuilt):
    """A standard codec between two networks, for single pictures.

    Concatenate the keys → preprocessor → clip to [0, 255] → codec proxy → loop filter → postprocessor (Guleryuz et
    al., arXiv 2402.05887, sections III and IV). `fit` minimises distortion + γ·rate/N + penalty/N, N the elements of
    the output picture; the distortion is the loss given to `compile` ("mse" if none), the target is the input unless
    one is given. The bar shows loss, distortion, psnr, bpp and qstep.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    model = ks.models.create_basic_model(
        bottleneck_channels=1, gamma=700.0, encoder_filters=(8, 16), decoder_filters=(32, 16, 8)
    )
    model.compile("adam", loss="mse")
    images = np.random.default_rng(0).uniform(0, 255, (8, 32, 32, 3)).astype("float32")
    model.fit(images, batch_size=4, verbose=0)
    outputs = model(images)
    assert outputs["prediction"].shape == images.shape and outputs["rate"].shape == (8,)
    ```

    Args:
        preprocessor: a `Preprocessor`, any layer from images to bottlenecks, or None: the images go to the codec.
        postprocessor: a `Postprocessor`, any layer from decoded bottlenecks to images, or None.
        codec_proxy: a layer that returns (decoded, bits per image), such as `EncodeDecodeIntra`.
        gamma: γ ≥ 0, the weight of the rate. A variable: `model.gamma = 100.0` or `model.gamma.assign(…)` takes
            effect at once, without recompiling, and is saved with the model.
        loop_filter: a layer that brings what the proxy decoded nearer to what the real codec decodes, such as a trained
            `create_loop_filter_model`; it is frozen, and not applied in `transport`.
        model_keys: names of the tensors of an input dict, in the order in which they are concatenated.
        bottleneck_penalty: add the penalty for bottlenecks outside [0, 255].

    Call arguments:
        inputs: [batch, height, width, channels] in [0, 255] (255·2^k with truncated bits), of any dtype, or a dict of
            such tensors by `model_keys`.

    Returns:
        A dict: "prediction" [batch, height, width, channels]; "rate" [batch] in bits; "bottleneck" before clipping;
        "compressed_bottleneck" as decoded; and the prediction's part of each of `model_keys`.

    Raises:
        ValueError: γ < 0; keys that collide with the result's, are missing, or do not fit the networks' channels.
    """

    def __init__(
        self,
        preprocessor: Any,
        postprocessor: Any,
        codec_proxy: Any,
        gamma: float = 50.0,
        loop_filter: Any = None,
        model_keys: Sequence[str] = ("image",),
        bottleneck_penalty: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        collisions = set(model_keys) & set(RESERVED_KEYS)
        if collisions or len(set(model_keys)) != len(model_keys) or not model_keys:
            raise ValueError(
                "`model_keys` must be different names, and none of "
                f"{', '.join(RESERVED_KEYS)}. Received model_keys={tuple(model_keys)}."
            )
        self.preprocessor = preprocessor
        self.postprocessor = postprocessor
        self.codec_proxy = codec_proxy
        self.loop_filter = loop_filter
        if loop_filter is not None:
            loop_filter.trainable = False
        self.model_keys = tuple(model_keys)
        self.bottleneck_penalty = bottleneck_penalty
        self._gamma = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(_require_gamma(gamma)),
            trainable=False,
            dtype="float32",
            name="gamma",
        )
        self._key_channels: tuple[int, ...] = ()
        self._distortion = keras.metrics.Mean(name="distortion")
        self._psnr = PSNR(image_max=CODEC_MAX * 2.0**self.num_truncate_bits)
        self._bpp = BitsPerPixel()
        self._qstep = keras.metrics.Mean(name="qstep")
        self._peak_pixel = PeakPixel()

    @property
    def trainable(self) -> bool:
        """Whether the networks and the quantizer step are trained; the loop filter never is."""
        return bool(super().trainable)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        keras.Model.trainable.fset(self, value)
        if getattr(self, "loop_filter", None) is not None:
            self.loop_filter.trainable = False

    @property
    def gamma(self) -> Any:
        """γ, a variable: the weight of the rate in the loss."""
        return self._gamma

    @gamma.setter
    def gamma(self, value: float) -> None:
        self._gamma.assign(_require_gamma(value))

    @property
    def num_truncate_bits(self) -> int:
        """k: pictures have 8 + k bits."""
        sides = (self.postprocessor, self.preprocessor)
        return next((s.num_truncate_bits for s in sides if hasattr(s, "num_truncate_bits")), 0)

    # Building and calling

    def build(self, input_shape: Any) -> None:
        if isinstance(input_shape, Mapping):
            self._require_keys(input_shape)
            shapes = [tuple(input_shape[key]) for key in self.model_keys]
        else:
            shapes = [tuple(input_shape)]
            if len(self.model_keys) > 1:
                raise ValueError(
                    f"Expected a dict with the keys {self.model_keys}. "
                    f"Received one tensor of shape {tuple(input_shape)}."
                )
        for shape in shapes:
            if len(shape) != 4 or shape[-1] is None:
                raise ValueError(
                    "Expected images [batch, height, width, channels] with a known number of "
                    f"channels. Received shape {shape}."
                )
        self._key_channels = tuple(shape[-1] for shape in shapes)
        # Of any size: a network built for one would be exported for that one alone.
        shape = (None, None, None, sum(self._key_channels))
        for stage in (self.preprocessor, self.codec_proxy, self.loop_filter, self.postprocessor):
            if stage is None:
                continue
            if not stage.built:
                stage.build(shape)
            keep_frozen(stage)
            if stage is self.preprocessor or stage is self.postprocessor:
                shape = tuple(stage.compute_output_shape(shape))
        if len(self.model_keys) > 1 and shape[-1] != sum(self._key_channels):
            raise ValueError(
                "The prediction is sliced back to the keys, so the postprocessor must return "
                f"{sum(self._key_channels)} channels for {self.model_keys} with "
                f"{self._key_channels}. Received a network with {shape[-1]}."
            )
        self.built = True

    def _require_keys(self, inputs: Mapping[str, Any]) -> None:
        missing = [key for key in self.model_keys if key not in inputs]
        if missing:
            raise ValueError(
                f"The input lacks {missing}. Expected the keys {self.model_keys}; "
                f"received {tuple(inputs)}. Name the keys with `model_keys`."
            )

    def _concatenate(self, inputs: Any) -> Any:
        """One float32 tensor of a tensor, or of a dict of them."""
        if isinstance(inputs, Mapping):
            self._require_keys(inputs)
            parts = [
                ops.cast(ops.convert_to_tensor(inputs[key]), "float32") for key in self.model_keys
            ]
            return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
        return ops.cast(ops.convert_to_tensor(inputs), "float32")

    def call(self, inputs: Any, training: bool | None = None) -> dict[str, Any]:
        images = self._concatenate(inputs)
        bottleneck = self.preprocess(images)
        compressed, rate = self.codec_proxy(clip(bottleneck, 0.0, CODEC_MAX), training=training)
        # A real codec needs no such correction, so it is no part of `postprocess`.
        filtered = compressed if self.loop_filter is None else self.loop_filter(compressed)
        prediction = self.postprocess(filtered, ops.shape(images)[1:3])
        return self._outputs(prediction, rate, bottleneck, compressed)

    def preprocess(self, images: Any) -> Any:
        """Images [batch, height, width, channels], or a dict, to bottlenecks, not clipped."""
        images = self._concatenate(images)
        return images if self.preprocessor is None else self.preprocessor(images)

    def postprocess(self, bottlenecks: Any, output_size: Any = None) -> Any:
        """Decoded bottlenecks to images, of `output_size` if (height, width) is given."""
        bottlenecks = ops.cast(ops.convert_to_tensor(bottlenecks), "float32")
        if self.postprocessor is None:
            return bottlenecks
        if getattr(self.postprocessor, "downsample_factor", 1) > 1:
            return self.postprocessor(bottlenecks, output_size=output_size)
        return self.postprocessor(bottlenecks)

    def _outputs(self, prediction: Any, rate: Any, bottleneck: Any, compressed: Any) -> Any:
        outputs = {
            "prediction": prediction,
            "rate": rate,
            "bottleneck": bottleneck,
            "compressed_bottleneck": compressed,
        }
        if len(self.model_keys) == 1:
            outputs[self.model_keys[0]] = prediction
            return outputs
        start = 0
        for key, channels in zip(self.model_keys, self._key_channels, strict=True):
            outputs[key] = prediction[..., start : start + channels]
            start += channels
        return outputs

    def compute_output_shape(self, input_shape: Any) -> dict[str, Any]:
        if isinstance(input_shape, Mapping):
            input_shape = input_shape[self.model_keys[0]]
        batch, height, width, _ = input_shape
        coded = (batch, height, width, sum(self._key_channels))
        if self.preprocessor is not None:
            coded = self.preprocessor.compute_output_shape(coded)
        prediction = coded
        if self.postprocessor is not None:
            prediction = tuple(self.postprocessor.compute_output_shape(coded))
            if getattr(self.postprocessor, "downsample_factor", 1) > 1:
                prediction = (batch, height, width, prediction[-1])
        channels = prediction[-1]
        shapes = {
            "prediction": prediction,
            "rate": (batch,),
            "bottleneck": coded,
            "compressed_bottleneck": coded,
        }
        widths = self._key_channels if len(self.model_keys) > 1 else (channels,)
        for key, width_of_key in zip(self.model_keys, widths, strict=True):
            shapes[key] = (*prediction[:-1], width_of_key)
        return shapes

    def compute_output_spec(self, inputs: Any, training: Any = None) -> dict[str, Any]:
        shape = (
            {key: tensor.shape for key, tensor in inputs.items()}
            if isinstance(inputs, Mapping)
            else inputs.shape
        )
        shapes = self.compute_output_shape(shape)
        return {name: keras.KerasTensor(shape) for name, shape in shapes.items()}

    # Training

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """Compiles as `keras.Model.compile` does; `loss` is the distortion, one for the whole prediction.

        Raises:
            ValueError: several losses, loss weights, or a metric whose name is one of the model's own.
        """
        require_one_distortion(loss, loss_weights)
        own = (self._distortion, self._psnr, self._bpp, self._qstep, self._peak_pixel)
        require_other_names([metrics, weighted_metrics], own)
        super().compile(
            optimizer,
            loss=loss,
            metrics=metrics,
            weighted_metrics=weighted_metrics,
            **kwargs,
        )

    def compile_from_config(self, config: dict[str, Any]) -> None:
        # Keras compiles a loaded model itself only where `compile` is its own.
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built:
            self.optimizer.build(self.trainable_variables)

    @property
    def metrics_names(self) -> list[str]:
        """The names that appear in the logs."""
        return [name for name in super().metrics_names if name != self._peak_pixel.name]

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        target = self._concatenate(x if y is None else y)
        prediction, rate = y_pred["prediction"], y_pred["rate"]
        sizes = zip(target.shape[1:], prediction.shape[1:], strict=True)
        if any(None not in pair and pair[0] != pair[1] for pair in sizes):
            raise ValueError(
                "The target and the prediction must have the same height, width and channels. "
                f"Received shapes {tuple(target.shape)} and {tuple(prediction.shape)}; set the "
                "postprocessor's output_channels and downsample_factor, or give a target."
            )
        distortion = distortion_per_image(self.loss or "mse", target, prediction)
        _, height, width, channels = ops.shape(prediction)
        elements = ops.cast(height * width * channels, "float32")
        cost = distortion + ops.convert_to_tensor(self._gamma) * rate / elements
        if self.bottleneck_penalty:
            cost = cost + range_penalty(y_pred["bottleneck"]) / elements
        if sample_weight is not None:
            cost = cost * ops.reshape(ops.cast(sample_weight, "float32"), (-1,))
        total = ops.mean(cost)
        for additional in self.losses:
            total = total + ops.sum(ops.cast(additional, total.dtype))

        self._distortion.update_state(distortion)
        self._psnr.update_state(target, prediction)
        self._bpp.update_state(rate, (height, width))
        if hasattr(self.codec_proxy, "effective_qstep"):
            self._qstep.update_state(self.codec_proxy.effective_qstep())
        self._peak_pixel.update_state(self._concatenate(x))
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        target = self._concatenate(x if y is None else y)
        return super().compute_metrics(x, target, y_pred["prediction"], sample_weight)

    def get_metrics_result(self) -> dict[str, Any]:
        results = dict(super().get_metrics_result())
        results.pop(self._peak_pixel.name, None)
        return results

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Trains as `keras.Model.fit` does; warns if the pictures look scaled to [0, 1]."""
        check = PixelRangeCheck(self._peak_pixel)
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks.append(check)
        else:
            given = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
            callbacks = [*(callback for callback in given if callback is not None), check]
        return super().fit(x, y, batch_size, epochs, verbose, callbacks, **kwargs)

    # Starting and using

    def fit_linear_start(self, images: Any) -> None:
        """Starts the linear paths from the projection that loses least on these pictures.

        For channel numbers that have no classical chain of their own: the bottleneck has fewer channels than the
        pictures, other than one for three. Without it the start is a random projection.

        Example:

        ```python
        import keras
        import numpy as np
        import keras_sandwich as ks

        model = ks.models.create_basic_model(
            bottleneck_channels=2, use_unet_preprocessor=False, use_unet_postprocessor=False
        )
        base = np.random.default_rng(0).uniform(20, 230, (4, 16, 16, 2))
        images = np.concatenate([base, base.mean(axis=-1, keepdims=True)], axis=-1)
        model.fit_linear_start(images)  # the third channel is made of the others
        restored = model.postprocess(model.preprocess(images))
        assert np.allclose(keras.ops.convert_to_numpy(restored), images, atol=1e-2)
        ```

        Args:
            images: [number, height, width, channels], or a dict by `model_keys`.

        Raises:
            ValueError: the sides have no classical linear path, the bottleneck is not narrower or has colour carriers
                to start from, or pixels are not finite.
        """
        images = self._pictures(images)
        sides = (self.preprocessor, self.postprocessor)
        if any(getattr(side, "start", None) != "classical" or side.mlp is None for side in sides):
            raise ValueError(
                "A linear start can be fitted only to a Preprocessor and a Postprocessor with "
                "start='classical' and num_mlp_layers of at least 1."
            )
        pre, post = sides
        channels = (pre.output_channels, images.shape[-1])
        if channels[0] >= channels[1] or (channels == (1, 3) and pre.patch_size % 2 == 0):
            raise ValueError(
                "Only a bottleneck with fewer channels than the pictures needs a projection, and one "
                "channel for three starts better from colour carriers. "
                f"Received {channels[0]} for {channels[1]} channels."
            )
        scale = 2.0**self.num_truncate_bits
        p = pre.patch_size
        height, width = (size // p * p for size in images.shape[1:3])
        pixels = (images[:, :height, :width] - 128.0 * scale) / (255.0 * scale)
        projection, restoration = fitted_matrices(pixels, pre.output_channels, p)
        pre.mlp.set_linear(patch_kernel(projection, pre.kernel_size))
        post.mlp.set_linear(patch_kernel(restoration, post.kernel_size))

    def transport(self, images: Any, codec: Any) -> dict[str, np.ndarray]:
        """Sends pictures through a real codec: the result of `model(images)`, with the bits of real files.

        Example:

        ```python
        import numpy as np
        import keras_sandwich as ks

        model = ks.models.create_basic_model(
            bottleneck_channels=1, use_unet_preprocessor=False, use_unet_postprocessor=False
        )
        images = np.random.default_rng(0).uniform(0, 255, (2, 40, 48, 3))
        outputs = model.transport(images, ks.codecs.JPEG(qstep=8))
        assert outputs["prediction"].shape == images.shape and outputs["rate"].min() > 8 * 150
        ```

        Args:
            images: [batch, height, width, channels] in [0, 255·2^k], or a dict by `model_keys`. Finite.
            codec: what encodes uint8 [height, width, 1 or 3] to bytes and decodes them, such as `codecs.JPEG`.

        Returns:
            The keys of `model(images)`, as NumPy. "rate" is the whole file's bits; "bottleneck" is what the codec was
            given, rounded and clipped.

        Raises:
            ValueError: pixels that are not finite.
        """
        pictures = self._pictures(images)
        bottleneck = ops.convert_to_numpy(self.preprocess(pictures))
        bottleneck = np.clip(np.round(bottleneck), 0, CODEC_MAX).astype("uint8")
        files = [codec.encode(picture) for picture in bottleneck]
        decoded = np.stack([codec.decode(file) for file in files])
        rate = np.array([8.0 * len(file) for file in files], "float32")
        prediction = ops.convert_to_numpy(self.postprocess(decoded, pictures.shape[1:3]))
        return dict(self._outputs(prediction, rate, bottleneck, decoded))

    def _pictures(self, images: Any) -> np.ndarray:
        """Pictures on the host, finite, for a model that is built."""
        if not self.built:
            several = isinstance(images, Mapping)
            self.build({k: np.shape(v) for k, v in images.items()} if several else np.shape(images))
        pictures = np.asarray(ops.convert_to_numpy(self._concatenate(images)))
        if not np.all(np.isfinite(pictures)):
            raise ValueError(
                "The pictures must be finite. Received NaN or infinite pixels; "
                "clean the data before coding it."
            )
        return pictures

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        return {
            **keras.layers.Layer.get_config(self),
            "preprocessor": serialize(self.preprocessor),
            "postprocessor": serialize(self.postprocessor),
            "codec_proxy": serialize(self.codec_proxy),
            "gamma": float(ops.convert_to_numpy(self._gamma)),
            "loop_filter": serialize(self.loop_filter),
            "model_keys": self.model_keys,
            "bottleneck_penalty": self.bottleneck_penalty,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        for name in ("preprocessor", "postprocessor", "codec_proxy", "loop_filter"):
            if isinstance(config[name], dict):
                config[name] = keras.saving.deserialize_keras_object(config[name], custom_objects)
        return cls(**config)


def _require_gamma(gamma: Any) -> float:
    gamma = float(gamma)
    if not (np.isfinite(gamma) and gamma >= 0):
        raise ValueError(f"`gamma` must be finite and not negative. Received gamma={gamma}.")
    return gamma
