"""The trunk of every sandwich, of pictures or of clips: its stages, γ, training, configuration and presets."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import keras
from keras import ops

from keras_sandwich._arguments import check_not_negative
from keras_sandwich.layers.seed_state import load_seed, save_seed
from keras_sandwich.losses.rate_distortion import (
    distortions,
    in_decibels,
    mean_per_sample,
    range_penalty,
    rate_distortion_cost,
)
from keras_sandwich.losses.weighting import total_loss
from keras_sandwich.metrics.image_quality import PSNR
from keras_sandwich.metrics.rate import BitsPerPixel
from keras_sandwich.models.base import Network
from keras_sandwich.models.model_keys import ModelKeys
from keras_sandwich.models.qstep_range import QstepRange
from keras_sandwich.models.training_checks import (
    PeakPixel,
    PixelRangeCheck,
    require_one_distortion,
    require_other_names,
    require_pictures_like,
)
from keras_sandwich.ops.rounding import clip
from keras_sandwich.presets import loading, saving

CODEC_MAX = 255.0  # a codec for 8-bit pictures
SEED = "qstep_seed"
STAGES = ("preprocessor", "postprocessor", "codec_proxy", "loop_filter")
# What codes bottlenecks: → (what it adds to the result, what the postprocessor is given of them).
Coder = Callable[[Any], tuple[dict[str, Any], Any]]


class CompressionModel(Network):
    """A standard codec between two networks, for samples [batch, …, height, width, channels] of any rank.

    Concatenate the keys → preprocessor → clip to [0, 255] → codec proxy → loop filter → postprocessor. `fit` minimises
    distortion + γ·rate/N + penalty/N, N the elements of an output sample: the product of all its dimensions but the
    batch. The stages take pictures. What depends on the rank stands in the subclasses: their `axes`,
    `compute_output_shape` and, where there are more axes than a picture has, how the stages are called. The arguments
    are those of `CompressIntraModel`, the sandwich for pictures.
    """

    axes: tuple[str, ...]  # of what a key holds; the first is the batch, the last the channels
    decoded_key = "compressed_bottleneck"  # what the result calls what the codec decoded
    reserved_keys: tuple[str, ...] = ()  # that no key may have, beside those of every result

    def __init__(
        self,
        preprocessor: Any,
        postprocessor: Any,
        codec_proxy: Any,
        gamma: float = 50.0,
        loop_filter: Any = None,
        model_keys: Sequence[str] = ("image",),
        bottleneck_penalty: bool = True,
        qstep_range: Sequence[float] | None = None,
        cost_in_decibels: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self._keys = ModelKeys(model_keys, self.reserved_keys)
        self.preprocessor = preprocessor
        self.postprocessor = postprocessor
        self.codec_proxy = codec_proxy
        self.loop_filter = loop_filter
        if loop_filter is not None:
            loop_filter.trainable = False
        self.bottleneck_penalty = bottleneck_penalty
        self.cost_in_decibels = cost_in_decibels
        self.seed = seed
        self._qsteps = None
        if qstep_range is not None:
            self._qsteps = QstepRange(qstep_range, codec_proxy, seed)
            self._qstep_seed = self._qsteps.seed_generator  # its state is one of Keras' variables
        self._gamma = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(check_not_negative(gamma, "gamma")),
            trainable=False,
            dtype="float32",
            name="gamma",
        )
        self._distortion = keras.metrics.Mean(name="distortion", dtype="float32")
        self._psnr = PSNR(image_max=CODEC_MAX * 2.0**self.num_truncate_bits)
        self._bpp = BitsPerPixel()
        self._qstep = keras.metrics.Mean(name="qstep", dtype="float32")
        self._peak_pixel = PeakPixel()

    @property
    def model_keys(self) -> tuple[str, ...]:
        """Names of the tensors of an input dict, in the order in which they are concatenated."""
        return self._keys.names

    @property
    def key_channels(self) -> tuple[int, ...]:
        """The channels of each of `model_keys`; none before the model is built."""
        return self._keys.channels

    @property
    def gamma(self) -> Any:
        """γ, a variable: the weight of the rate in the loss."""
        return self._gamma

    @gamma.setter
    def gamma(self, value: float) -> None:
        self._gamma.assign(check_not_negative(value, "gamma"))

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

    @property
    def macroblock(self) -> int:
        """Height and width of a bottleneck are multiples of this; 1 in all but sandwiches of `patch_size=16`."""
        side = self.postprocessor if self.preprocessor is None else self.preprocessor
        return int(getattr(side, "macroblock", 1))

    @property
    def qstep_range(self) -> tuple[float, float] | None:
        """The lowest and the highest quantizer step in training; None: the proxy's own."""
        return None if self._qsteps is None else self._qsteps.bounds

    @property
    def conditioned(self) -> bool:
        """Whether a network is told the quantizer step."""
        return any(map(_conditioned, (self.preprocessor, self.postprocessor)))

    # Building and calling

    def build(self, input_shape: Any) -> None:
        # Of any size: a network built for one would be exported for that one alone.
        shape = (None, None, None, self._keys.read(input_shape, self.axes))
        for stage in (self.preprocessor, self.codec_proxy, self.loop_filter, self.postprocessor):
            if stage is None:
                continue
            self.build_part(stage, self._codec_shape(shape) if stage is self.codec_proxy else shape)
            if stage is self.preprocessor or stage is self.postprocessor:
                shape = tuple(stage.compute_output_shape(shape))
        self._keys.require_channels(shape[-1])
        self.built = True

    def _codec_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """What the codec proxy is built for, where the stages take pictures of this shape."""
        return shape

    def call(self, inputs: Any, training: bool | None = None) -> dict[str, Any]:
        qstep = None
        if training and self._qsteps is not None:
            qstep = self._qsteps.draw(ops.shape(keras.tree.flatten(inputs)[0])[0])
        beside = self.side_inputs(inputs)
        code = partial(self.code_by_proxy, training=training, qstep=qstep, **beside)
        return self.call_through(inputs, code, qstep)

    def side_inputs(self, inputs: Any) -> dict[str, Any]:
        """What of the inputs the codec proxy is told, by the names of its arguments; nothing about pictures."""
        return {}

    def call_through(self, inputs: Any, code: Coder, qstep: Any = None) -> dict[str, Any]:
        """What a call returns, with `code` in the place of the codec.

        Args:
            inputs: those of a call.
            code: bottlenecks, not clipped, to (what it adds to the result: "rate" and `decoded_key` at least; what
                the postprocessor is given), such as `code_by_proxy`.
            qstep: the codec's quantizer step, a scalar or [batch]; None: the proxy's own.

        Returns:
            The dict that a call returns.
        """
        images = self.concatenate(inputs)
        bottleneck = self.preprocess(images, qstep)
        coded, restored = code(bottleneck)
        prediction = self.postprocess(restored, ops.shape(images)[-3:-1], qstep)
        outputs = {"prediction": prediction, "bottleneck": bottleneck, **coded}
        if self._qsteps is not None:
            own = self._qstep_or_own(qstep)
            outputs["qstep"] = ops.broadcast_to(own, ops.shape(outputs["rate"]))
        for key, channels in self.key_slices().items():
            outputs[key] = prediction if channels is None else prediction[..., channels]
        return outputs

    def concatenate(self, inputs: Any) -> Any:
        """One float32 tensor of a dict by `model_keys`, or of a tensor."""
        return self._keys.concatenate(inputs)

    def preprocess(self, images: Any, qstep: Any = None) -> Any:
        """Images [batch, …, height, width, channels], or a dict, to bottlenecks, not clipped.

        `qstep` is told to networks conditioned on it; None is the proxy's own.
        """
        images = self.concatenate(images)
        if self.preprocessor is None:
            return images
        return self.preprocessor(images, **self._told(self.preprocessor, qstep))

    def code_by_proxy(
        self, bottleneck: Any, training: bool | None = None, qstep: Any = None
    ) -> tuple[dict[str, Any], Any]:
        """Bottlenecks to (what the codec proxy decodes, and its bits; the former through the loop filter)."""
        clipped = clip(bottleneck, 0.0, CODEC_MAX)
        compressed, rate = self.codec_proxy(clipped, training=training, **self._proxy_qstep(qstep))
        # A real codec needs no such correction, so it is no part of `postprocess`.
        filtered = compressed if self.loop_filter is None else self.loop_filter(compressed)
        return {"rate": rate, self.decoded_key: compressed}, filtered

    def _proxy_qstep(self, qstep: Any) -> dict[str, Any]:
        """An effective step as the proxy's argument, to which it adds its `min_qstep`."""
        return {} if qstep is None else {"qstep": qstep - self.codec_proxy.min_qstep}

    def postprocess(self, bottlenecks: Any, output_size: Any = None, qstep: Any = None) -> Any:
        """Decoded bottlenecks to images, of `output_size` if (height, width) is given; `qstep` as in `preprocess`."""
        bottlenecks = ops.convert_to_tensor(bottlenecks, "float32")
        if self.postprocessor is None:
            return bottlenecks
        told = self._told(self.postprocessor, qstep)
        if getattr(self.postprocessor, "downsample_factor", 1) > 1:
            return self.postprocessor(bottlenecks, output_size=output_size, **told)
        images = self.postprocessor(bottlenecks, **told)
        if output_size is None or self.macroblock == 1:
            return images
        return images[..., : output_size[0], : output_size[1], :]

    def _told(self, side: Any, qstep: Any) -> dict[str, Any]:
        return {"qstep": self._qstep_or_own(qstep)} if _conditioned(side) else {}

    def _qstep_or_own(self, qstep: Any) -> Any:
        return self.codec_proxy.effective_qstep() if qstep is None else qstep

    def key_slices(self) -> dict[str, slice | None]:
        """The channels of the prediction that belong to each key; None where one key has them all."""
        return self._keys.slices()

    def stage_shapes(self, input_shape: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The shapes of bottlenecks and of predictions, for inputs of a shape or a dict of them."""
        if isinstance(input_shape, Mapping):
            input_shape = input_shape[self.model_keys[0]]
        *leading, height, width, _ = input_shape
        coded = (None, height, width, sum(self._keys.channels))
        if self.preprocessor is not None:
            coded = tuple(self.preprocessor.compute_output_shape(coded))
        prediction = coded
        if self.postprocessor is not None:
            prediction = tuple(self.postprocessor.compute_output_shape(coded))
            if self.macroblock > 1 or getattr(self.postprocessor, "downsample_factor", 1) > 1:
                prediction = (None, height, width, prediction[-1])
        return (*leading, *coded[1:]), (*leading, *prediction[1:])

    def compute_output_spec(self, inputs: Any, training: Any = None) -> dict[str, Any]:
        shape = keras.tree.map_structure(lambda tensor: tensor.shape, inputs)
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
        # Not handed to Keras: it would build it again before every `train_on_batch`, a whole forward pass, as
        # `compute_loss` here never calls it.
        super().compile(optimizer, metrics=metrics, weighted_metrics=weighted_metrics, **kwargs)
        self.loss = loss

    def get_compile_config(self) -> dict[str, Any]:
        config = super().get_compile_config()
        return config and {**config, "loss": keras.saving.serialize_keras_object(self.loss)}

    @property
    def metrics_names(self) -> list[str]:
        """The names that appear in the logs."""
        return [name for name in super().metrics_names if name != self._peak_pixel.name]

    def train_step(self, *arguments: Any) -> Any:
        return super().train_step(*self._concatenated(arguments))

    def test_step(self, *arguments: Any) -> Any:
        return super().test_step(*self._concatenated(arguments))

    def _concatenated(self, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """A step's arguments, the data last, with the keys put together once for the call, the loss and the metrics.

        Not where there is more among them than the keys.
        """
        *state, data = arguments
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        if not self.built:  # TensorFlow builds a model in its first step
            self.build(keras.tree.map_structure(lambda tensor: tuple(tensor.shape), x))
        x = x if self.side_inputs(x) else self.concatenate(x)
        y = None if y is None else self.concatenate(y)
        return (*state, keras.utils.pack_x_y_sample_weight(x, y, sample_weight))

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        images = self.concatenate(x)
        target = images if y is None else self.concatenate(y)
        prediction, rate = y_pred["prediction"], y_pred["rate"]
        require_pictures_like(target, prediction)
        distortion = distortions(self.loss or "mse", target, prediction)
        sizes = ops.shape(prediction)[1:]
        penalty = 0.0
        if self.bottleneck_penalty:
            penalty = self._range_penalty(y_pred)
        gamma, weight = ops.convert_to_tensor(self._gamma), None
        if self._qsteps is not None:
            factor, weight = self._qsteps.weights(y_pred["qstep"])
            gamma = gamma * factor
        cost = rate_distortion_cost(distortion, rate, _product(sizes), gamma, penalty)
        if self.cost_in_decibels:
            cost = in_decibels(cost)
        elif weight is not None:
            cost = cost * ops.reshape(weight, (-1,) + (1,) * (len(cost.shape) - 1))
        total = total_loss(cost, prediction, sample_weight, self.losses)

        self._distortion.update_state(mean_per_sample(distortion))
        self._psnr.update_state(target, prediction, image_max=self._peaks(x))
        self._bpp.update_state(rate, sizes[:-1])
        if self._qsteps is not None:
            self._qstep.update_state(y_pred["qstep"])
        elif hasattr(self.codec_proxy, "effective_qstep"):
            self._qstep.update_state(self.codec_proxy.effective_qstep())
        self._peak_pixel.update_state(images)
        return total

    def _range_penalty(self, outputs: Any) -> Any:
        """What bottlenecks outside the codec's range cost, [batch], of a call's result."""
        return range_penalty(outputs["bottleneck"], CODEC_MAX)

    def _peaks(self, inputs: Any) -> Any:
        """The largest pixel value of each sample, [batch], where it is not the same for all."""
        return None

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        target = self.concatenate(x if y is None else y)
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

    # Saving

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        if self._qsteps is not None:
            save_seed(self._qsteps.seed_generator, store, SEED)

    def load_own_variables(self, store: Any) -> None:
        super().load_own_variables({name: store[name] for name in set(store.keys()) - {SEED}})
        if self._qsteps is not None:
            load_seed(self._qsteps.seed_generator, store, SEED)

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
        stages = {name: getattr(self, name) for name in STAGES}
        return {
            **keras.layers.Layer.get_config(self),
            **{n: keras.saving.serialize_keras_object(stage) for n, stage in stages.items()},
            "gamma": float(ops.convert_to_numpy(self._gamma)),
            "model_keys": self.model_keys,
            "bottleneck_penalty": self.bottleneck_penalty,
            "qstep_range": self.qstep_range,
            "cost_in_decibels": self.cost_in_decibels,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        for name in STAGES:
            if isinstance(config.get(name), dict):
                config[name] = keras.saving.deserialize_keras_object(config[name], custom_objects)
        return cls(**config)


def _conditioned(side: Any) -> bool:
    return bool(getattr(side, "conditioned", False))


def _product(sizes: Sequence[Any]) -> Any:
    """Of sizes that may be known or not, as float32."""
    product: Any = 1.0
    for size in sizes:
        product = product * ops.cast(size, "float32")
    return product
