"""The sandwich: preprocessor → codec proxy → postprocessor, trained as one Keras model."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_sandwich.models.base import ExportableWhenBuilt, MatchingWeights, keep_frozen
from keras_sandwich.models.compression_model import RateDistortionTraining
from keras_sandwich.models.linear_start import fit_linear_start
from keras_sandwich.ops.rounding import clip
from keras_sandwich.presets import loading, saving

RESERVED_KEYS = ("prediction", "rate", "bottleneck", "compressed_bottleneck")
CODEC_MAX = 255.0  # a codec for 8-bit pictures


@keras.saving.register_keras_serializable(package="keras_sandwich")
class CompressIntraModel(MatchingWeights, RateDistortionTraining, ExportableWhenBuilt):
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
        self._key_channels: tuple[int, ...] = ()
        self._prepare_training(gamma, CODEC_MAX * 2.0**self.num_truncate_bits)

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

    @property
    def macroblock(self) -> int:
        """Height and width of a bottleneck are multiples of this; 1 in all but sandwiches of `patch_size=16`."""
        side = self.postprocessor if self.preprocessor is None else self.preprocessor
        return int(getattr(side, "macroblock", 1))

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
        images = self.postprocessor(bottlenecks)
        if output_size is None or self.macroblock == 1:
            return images
        return images[:, : output_size[0], : output_size[1]]

    def _outputs(self, prediction: Any, rate: Any, bottleneck: Any, compressed: Any) -> Any:
        outputs = {
            "prediction": prediction,
            "rate": rate,
            "bottleneck": bottleneck,
            "compressed_bottleneck": compressed,
        }
        for key, channels in self.key_slices().items():
            outputs[key] = prediction if channels is None else prediction[..., channels]
        return outputs

    def key_slices(self) -> dict[str, slice | None]:
        """The channels of the prediction that belong to each key; None where one key has them all."""
        if len(self.model_keys) == 1:
            return {self.model_keys[0]: None}
        ends = itertools.accumulate(self._key_channels)
        parts = zip(self.model_keys, self._key_channels, ends, strict=True)
        return {key: slice(end - channels, end) for key, channels, end in parts}

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
            if self.macroblock > 1 or getattr(self.postprocessor, "downsample_factor", 1) > 1:
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
        fit_linear_start(self, images)

    def save_to_preset(
        self, path: Any, description: str = "", measured: Any = None, **metadata: Any
    ) -> None:
        """Saves the model as a folder that `from_preset` loads, on any backend.

        Example:

        ```python
        import keras_sandwich as ks

        model = ks.models.create_basic_model(
            bottleneck_channels=1, use_unet_preprocessor=False, use_unet_postprocessor=False
        )
        model.build((None, None, None, 3))
        model.save_to_preset("gray", "Colour over a grayscale codec.", codec="JPEG 4:0:0")
        again = ks.models.CompressIntraModel.from_preset("gray")
        assert ks.presets.fingerprint(again) == ks.presets.fingerprint(model)
        ```

        Args:
            path: of a folder, which is made. Three files are written in it: `config.json`, `model.weights.h5` and
                `metadata.json`, which holds versions, numbers of parameters, fingerprints, and what follows.
            description: what the model is for.
            measured: what was measured with it, a dict of what JSON can hold.
            **metadata: anything else worth knowing, of what JSON can hold.

        Raises:
            ValueError: the model is not built, or metadata that JSON cannot hold or whose name is taken.
        """
        saving.save(self, path, description, measured, metadata)

    @classmethod
    def from_preset(cls, name_or_path: Any) -> Any:
        """Loads a bundled preset (`keras_sandwich.presets.names()`), or a folder that `save_to_preset` wrote.

        No code is executed that is not Keras's, this package's, or registered with Keras by you.

        Args:
            name_or_path: a name, or the path of a folder.

        Returns:
            The model, built, not compiled.

        Raises:
            ValueError: no such preset, a damaged folder, one of another version, or weights that are not those saved.
        """
        return loading.load(cls, name_or_path)

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
