"""LPIPS: how alike two pictures look to a network that was made to agree with people."""

import os
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sandwich._arguments import check_positive, require_option
from keras_sandwich.losses.picture_distance import PictureDistance, exchangeable_scale

NETWORKS = ("alexnet",)
# What the authors' network takes: pictures in [−1, 1], less a shift and over a scale, for R, G and B.
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
# Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014, as torchvision has it: the side
# of each convolution's kernel, and whether a maximum over 3×3, every second one, comes before it.
ALEXNET = ((11, False), (5, True), (3, True), (3, False), (3, False))
FIRST_STRIDE, FIRST_PADDING = 4, 2  # the others give as many positions as they take
LEAST_SIDE = 31  # the second maximum's window is just inside
# A square of norms that is no larger than this is none: the root has an infinite slope at 0.
LEAST_SQUARE = 1e-20


@keras.saving.register_keras_serializable(package="keras_sandwich")
class LPIPS(PictureDistance):
    """The loss scale·LPIPS (Zhang et al. 2018, version 0.1), one number for each sample.

    The activations of a frozen AlexNet, each position's brought to length 1, their squared difference weighted by
    channel, the mean over positions and the sum over five layers. The weights are a file of the user's: see
    the guide of losses for where they come from and how the authors' files become this one.

    The default scale makes it about as large as the squared error of the same pictures, as that of
    `StructuralSimilarity` does; `scale=1.0` is LPIPS itself.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    # A small network of random weights, in place of the authors'.
    random, arrays, channels = np.random.default_rng(0), {}, 3
    for k, side in enumerate((11, 5, 3, 3, 3)):
        arrays[f"AlexNet_0/Conv_{k}/kernel"] = random.normal(0, 0.1, (side, side, channels, 4))
        arrays[f"AlexNet_0/Conv_{k}/bias"] = np.zeros(4)
        arrays[f"NetLinLayer_{k}/Conv_0/kernel"] = random.uniform(0, 1, (1, 1, 4, 1))
        channels = 4
    np.savez("lpips.npz", **arrays)

    loss = ks.losses.LPIPS("lpips.npz", scale=1.0)
    pictures = random.uniform(0, 255, (2, 32, 40, 3)).astype("float32")
    assert float(loss(pictures, pictures)) == 0.0
    ```

    Args:
        weights: the path of an `.npz` file: `AlexNet_0/Conv_k/kernel` [height, width, in, out] and `bias`, and
            `NetLinLayer_k/Conv_0/kernel` [1, 1, channels, 1], k from 0 to 4. The network is as wide as these say. It is
            read once, here; a saved model holds the path alone.
        network: "alexnet".
        image_max: the largest value of a pixel: 255, or 255·2^k for 8 + k bits.
        scale: what LPIPS is multiplied with; None: 550·(image_max/255)².
        name: the loss's name.
        reduction: as in any Keras loss; a sandwich takes its own mean.
        dtype: of the computation; None is float32, under any policy.

    Raises:
        ValueError: another network, a file that lacks an array or has one of another shape, a scale or `image_max`
            that is not positive and finite; when called, pictures smaller than 31×31, or of other than 1 or 3 channels
            (one is taken for all three).
        FileNotFoundError: the file is not there.
    """

    exchangeable = 550.0

    def __init__(
        self,
        weights: str | os.PathLike[str],
        network: str = "alexnet",
        image_max: float = 255.0,
        scale: float | None = None,
        name: str = "lpips",
        reduction: Any = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        require_option(network, NETWORKS, "network")
        self.image_max = check_positive(image_max, "image_max")
        scale = exchangeable_scale(scale, self.exchangeable, self.image_max)
        super().__init__(scale, name, reduction, dtype)
        self.weights = os.fspath(weights)
        self.network = network
        self._convolutions, self._heads = [], []
        for kernel, bias, head in _read(self.weights):
            self._convolutions.append((self._frozen(kernel), self._frozen(bias)))
            self._heads.append(self._frozen(head))

    def _frozen(self, array: np.ndarray) -> keras.Variable:
        return keras.Variable(array, dtype=self.dtype, trainable=False)

    def distance(self, target: Any, prediction: Any) -> Any:
        # One after the other: the target's activations need no gradient.
        layers = (self._activations(pictures) for pictures in (target, prediction))
        total: Any = 0.0
        for one, other, head in zip(*layers, self._heads, strict=True):
            difference = ops.square(_to_length_1(one) - _to_length_1(other))
            total = total + ops.mean(ops.sum(difference * head, axis=-1), axis=(1, 2))
        return total

    def _activations(self, pictures: Any) -> list[Any]:
        """Those of the five layers, [batch, height, width, channels] each."""
        pictures = ops.convert_to_tensor(pictures, self.dtype)
        shape = tuple(pictures.shape)
        if len(shape) != 4 or shape[-1] not in (1, 3):
            raise ValueError(
                "LPIPS compares pictures [batch, height, width, channels] of 1 or 3 channels. "
                f"Received shape {shape}."
            )
        if any(size is not None and size < LEAST_SIDE for size in shape[1:3]):
            raise ValueError(
                f"LPIPS needs pictures of at least {LEAST_SIDE}×{LEAST_SIDE} pixels. "
                f"Received {shape[1]}×{shape[2]}."
            )
        shift, scale = (ops.convert_to_tensor(x, self.dtype) for x in (SHIFT, SCALE))
        x = (pictures * (2.0 / self.image_max) - 1.0 - shift) / scale
        first = (FIRST_PADDING, FIRST_PADDING)
        x = ops.pad(x, [(0, 0), first, first, (0, 0)])
        stride, padding = FIRST_STRIDE, "valid"
        layers = []
        for (_, pooled), (kernel, bias) in zip(ALEXNET, self._convolutions, strict=True):
            if pooled:
                x = ops.max_pool(x, 3, 2, "valid", data_format="channels_last")
            x = ops.conv(x, kernel, stride, padding, data_format="channels_last")
            stride, padding = 1, "same"
            x = ops.relu(x + bias)
            layers.append(x)
        return layers

    def get_config(self) -> dict[str, Any]:
        own = {"weights": self.weights, "network": self.network, "image_max": self.image_max}
        return {**super().get_config(), **own}


def _to_length_1(activations: Any) -> Any:
    """Each position's activations as a vector of length 1, or of 0."""
    square = ops.sum(ops.square(activations), axis=-1, keepdims=True)
    return activations / (ops.sqrt(ops.maximum(square, LEAST_SQUARE)) + 1e-10)


def _read(path: str) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Kernel, bias and head of each layer, float32."""
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"LPIPS reads its weights from a file, and there is none at {path!r}. Give the path of one as "
            "`weights`; a saved model that names a file that is gone loads with "
            "`keras.saving.load_model(…, compile=False)` and is compiled anew."
        )
    try:
        with np.load(path) as file:
            arrays = {name: np.asarray(file[name], "float32") for name in file.files}
    except (AttributeError, EOFError, OSError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"LPIPS reads its weights from an .npz file. {path!r} is none.") from error
    layers, channels = [], 3
    for k, (side, _) in enumerate(ALEXNET):
        names = [f"AlexNet_0/Conv_{k}/{part}" for part in ("kernel", "bias")]
        names.append(f"NetLinLayer_{k}/Conv_0/kernel")
        missing = [name for name in names if name not in arrays]
        if missing:
            raise ValueError(f"{path!r} holds no {', '.join(missing)}. Received {sorted(arrays)}.")
        kernel, bias, head = (arrays[name] for name in names)
        width = kernel.shape[-1] if kernel.ndim else 0
        expected = (side, side, channels, width), (width,), (1, 1, width, 1)
        for name, array, shape in zip(names, (kernel, bias, head), expected, strict=True):
            if array.shape != shape:
                raise ValueError(f"{name} must have the shape {shape}. Received {array.shape}.")
        layers.append((kernel, bias, head.reshape(width)))
        channels = width
    return layers
