"""What is trained for as a measure of a curve: any Keras loss, LPIPS, the error of renders."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_sandwich.evaluation.quality import Measure, psnr_of_error
from keras_sandwich.losses import LPIPS, ShadingError, distortion_per_sample
from keras_sandwich.losses.lpips import LEAST_SIDE


def loss_measure(
    loss: Any, name: str | None = None, label: str = "", unit: str = "", decimals: int = 4
) -> Measure:
    """Any Keras loss as a measure, of which lower is better.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    measure = ks.evaluation.loss_measure("mae", label="mean error", unit="levels")
    target = np.zeros((8, 8, 3), "float32")
    assert measure(target, target + 2, peak=255.0) == 2.0
    ```

    Args:
        loss: the name of a Keras loss, a `keras.losses.Loss` with its scale, as `FeatureDistance`, or a callable of
            (target, prediction).
        name: the key by which curves and files of results hold it; None: the loss's own.
        label: what axes and tables call it; by default the name.
        unit: such as "levels"; "" for none.
        decimals: how many a table shows.

    Returns:
        A `Measure` for `rd_curve`. It takes pictures as they are: a loss that has an `image_max` refuses those of
        another peak.
    """

    def measured(target: np.ndarray, restored: np.ndarray, peak: float) -> Any:
        made_for = getattr(loss, "image_max", peak)
        if made_for != peak:
            raise ValueError(
                f"The loss '{key}' is for pictures up to image_max={made_for:g}. "
                f"Received pictures up to {peak:g}; make one with image_max={peak:g}."
            )
        return _value(loss, target, restored)

    own = loss if isinstance(loss, str) else getattr(loss, "name", getattr(loss, "__name__", None))
    key = str(name or own)
    return Measure(key, measured, label=label, unit=unit, decimals=decimals, higher_is_better=False)


def lpips(weights: str | os.PathLike[str], network: str = "alexnet") -> Measure:
    """LPIPS (`losses.LPIPS`) as a measure, of pictures of any peak.

    Example:

    ```python
    from pathlib import Path
    import keras_sandwich as ks

    if Path("lpips_alexnet_v0.1.npz").exists():
        metrics = ["psnr-rgb", ks.evaluation.lpips("lpips_alexnet_v0.1.npz")]
    ```

    Args:
        weights: the path of the network's file; see `losses.LPIPS`.
        network: "alexnet".

    Returns:
        A `Measure`, "lpips-alexnet": lower is better, 0 for equal pictures, of sides of at least 31.

    Raises:
        ValueError: another network, or a file that is not the network's.
        FileNotFoundError: the file is not there.
    """
    loss = LPIPS(weights, network, scale=1.0)

    def measured(target: np.ndarray, restored: np.ndarray, peak: float) -> Any:
        return _value(loss, target * (255.0 / peak), restored * (255.0 / peak))

    return Measure(
        f"lpips-{network}",
        measured,
        label="LPIPS",
        higher_is_better=False,
        decimals=4,
        least_side=LEAST_SIDE,
    )


def render_psnr(maps: Sequence[str] = ("normal_xyz",), renders: int = 8, seed: int = 0) -> Measure:
    """PSNR of renders of material maps (`losses.ShadingError`) as a measure, of maps of any peak.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    measure = ks.evaluation.render_psnr(renders=2)
    normals = np.full((8, 8, 3), [128.0, 128.0, 255.0], "float32")
    tilted = normals + np.float32([20.0, 0.0, 0.0])
    assert 15.0 < measure(normals, tilted, peak=255.0) < 40.0
    ```

    Args:
        maps: what the channels are, in order; see `ops.render_material`.
        renders: how many.
        seed: of the lights and views.

    Returns:
        A `Measure`, "psnr-renders", in dB over the pixels of all renders.

    Raises:
        ValueError: maps that are unknown or given twice, or no renders.
    """
    loss = ShadingError(maps, renders, seed)

    def measured(target: np.ndarray, restored: np.ndarray, peak: float) -> float:
        error = _value(loss, target * (255.0 / peak), restored * (255.0 / peak))
        return psnr_of_error(error, 255.0)

    return Measure("psnr-renders", measured, label="PSNR of renders", unit="dB", decimals=2)


def _value(loss: Any, target: np.ndarray, restored: np.ndarray) -> float:
    """Of one picture."""
    pair = (np.asarray(x, "float32")[None] for x in (target, restored))
    return float(ops.convert_to_numpy(distortion_per_sample(loss, *pair))[0])
