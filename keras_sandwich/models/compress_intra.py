"""The sandwich for single pictures: preprocessor → codec proxy → postprocessor, trained as one Keras model."""

from typing import Any

import keras

from keras_sandwich.models.compression_model import CompressionModel
from keras_sandwich.models.linear_start import fit_linear_start


@keras.saving.register_keras_serializable(package="keras_sandwich")
class CompressIntraModel(CompressionModel):
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
        qstep_range: (lowest, highest) quantizer step: one training for a range of rates. In training each picture has a
            step Δ of its own, drawn evenly in its logarithm, and γ·(Δ/Δ₀)² for γ, with Δ₀ the range's geometric mean;
            its cost counts 1/(Δ/Δ₀) times, so that fine steps weigh as much as coarse ones. Otherwise, in validation
            too, the step is the proxy's. Needs a proxy with `train_qstep=False`.
        cost_in_decibels: minimise the mean of 10·log10 of each picture's cost instead of the mean of the costs, so that
            easy pictures and fine steps weigh as much as hard pictures and coarse steps, as they do where decibels are
            averaged. The weight of a step, above, is then not needed.
        seed: seed of these steps.

    Call arguments:
        inputs: [batch, height, width, channels] in [0, 255] (255·2^k with truncated bits), of any dtype, or a dict of
            such tensors by `model_keys`.

    Returns:
        A dict: "prediction" [batch, height, width, channels]; "rate" [batch] in bits; "bottleneck" before clipping;
        "compressed_bottleneck" as decoded; "qstep" [batch] with a `qstep_range`; and the prediction's part of each of
        `model_keys`.

    Raises:
        ValueError: γ < 0; keys that collide with the result's, are missing, or do not fit the networks' channels.
    """

    axes = ("batch", "height", "width", "channels")

    def compute_output_shape(self, input_shape: Any) -> dict[str, Any]:
        coded, prediction = self.stage_shapes(input_shape)
        return {
            "prediction": prediction,
            "rate": coded[:1],
            "bottleneck": coded,
            "compressed_bottleneck": coded,
            **({"qstep": coded[:1]} if self.qstep_range else {}),
            **self._keys.shapes(prediction),
        }

    def fit_linear_start(self, images: Any) -> None:
        """Starts the linear paths from the projection that loses least on these pictures.

        For channel numbers that have no linear baseline of their own: the bottleneck has fewer channels than the
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
            ValueError: the sides have no linear start, the bottleneck is not narrower or has modulated chroma
                to start from, or pixels are not finite.
        """
        fit_linear_start(self, images)
