"""The sandwich of each scenario in one call, with the networks and the range of steps of the bundled presets."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from keras_sandwich.layers.rate_models import JpegRate
from keras_sandwich.models.builders import create_basic_model
from keras_sandwich.models.compress_intra import CompressIntraModel
from keras_sandwich.models.depth_codec import QSTEPS as DEPTH_QSTEPS
from keras_sandwich.models.depth_codec import create_depth_codec_model
from keras_sandwich.models.high_bit_depth_codec import QSTEPS as FINE_QSTEPS
from keras_sandwich.models.high_bit_depth_codec import create_high_bit_depth_codec_model
from keras_sandwich.models.potential_start import (
    KERNEL_SIZE,
    MATERIAL_KERNEL_SIZE,
    PATCH_SIZE,
)

# Of all U-Nets: small enough for a CPU, on patches of 2×2 pixels, and told their place in a macroblock.
UNETS: dict[str, Any] = {
    "encoder_filters": (32, 64),
    "decoder_filters": (128, 64, 32),
    "unet_patch_size": 2,
    "unet_block_size": 16,
}


@dataclass(frozen=True)
class Scenario:
    """What a scenario is made of.

    Attributes:
        arguments: of `create`.
        qstep_range: (lowest, highest) quantizer step.
        slope: γ over the square of the step: squared error that a bit per element is worth, in squared steps.
        create: what makes the model.
        channels: of the pictures.
    """

    arguments: dict[str, Any]
    qstep_range: tuple[float, float]
    slope: float
    create: Callable[..., CompressIntraModel] = create_basic_model
    channels: int = 3


SCENARIOS = {
    "grayscale": Scenario(
        {"bottleneck_channels": 1, "patch_size": 16, "num_mlp_layers": 1, "cascade": True},
        qstep_range=(8.0, 96.0),
        slope=0.5,
    ),
    # Of files of half the size a bit per pixel of the photograph is four of the file's, so the steps are finer.
    "low-resolution": Scenario(
        {
            "bottleneck_channels": 3,
            "downsample_factor": 2,
            "resampling": "dct",
            "convert_to_yuv": True,
        },
        qstep_range=(3.0, 48.0),
        slope=1.1,
    ),
    "colour": Scenario(
        {"bottleneck_channels": 3, "convert_to_yuv": True}, qstep_range=(8.0, 96.0), slope=0.5
    ),
    # Half as many filters as the others: maps of depth are simpler than photographs.
    "depth": Scenario(
        {"encoder_filters": (24, 48), "decoder_filters": (96, 48, 24), "unet_block_size": 8},
        qstep_range=DEPTH_QSTEPS,
        slope=0.0,
        create=create_depth_codec_model,
        channels=1,
    ),
    # γ in levels of 16 bits.
    "high-bit-depth": Scenario(
        {"encoder_filters": (16, 32), "decoder_filters": (64, 32, 16), "unet_block_size": 8},
        qstep_range=FINE_QSTEPS,
        slope=0.5 * 4.0**8,
        create=create_high_bit_depth_codec_model,
    ),
    # The linear path has the kernels of `potential_start`, too large to train in the time that the U-Nets need.
    "normal-maps": Scenario(
        {
            "bottleneck_channels": 3,
            "output_channels": 2,
            "patch_size": PATCH_SIZE,
            "kernel_size": KERNEL_SIZE,
            "num_mlp_layers": 1,
            "train_linear": False,
            "cascade": True,
        },
        qstep_range=(4.0, 64.0),
        slope=0.5,
    ),
    # Per element of eight channels, of errors of renders: about 0.33 for what is finely coded.
    "materials": Scenario(
        {
            "bottleneck_channels": 8,
            "output_channels": 8,
            "convert_to_yuv": False,
            "patch_size": PATCH_SIZE,
            "kernel_size": MATERIAL_KERNEL_SIZE,
            "num_mlp_layers": 1,
            "train_linear": False,
            "rate_model": JpegRate(gradient="unrounded"),
        },
        qstep_range=(4.0, 64.0),
        slope=0.7,
    ),
}


def create_grayscale_codec_model(
    qstep_range: Sequence[float] = SCENARIOS["grayscale"].qstep_range, **options: Any
) -> CompressIntraModel:
    """Colour photographs over a grayscale codec, one model for all rates.

    The linear start multiplexes the chroma into DCT coefficients of the luma. The U-Nets are those of the preset
    `grayscale`. The cost is minimised in decibels, in all scenarios.

    Example:

    ```python
    import keras
    import numpy as np
    import keras_sandwich as ks

    model = ks.models.create_grayscale_codec_model()
    model.compile(keras.optimizers.Adam(1e-3), loss="mse")
    photographs = np.random.default_rng(0).uniform(0, 255, (2, 32, 48, 3)).astype("float32")
    model.fit(photographs, verbose=0)
    assert model(photographs)["bottleneck"].shape == (2, 32, 48, 1)
    ```

    Args:
        qstep_range: (lowest, highest) quantizer step in training, in pixel levels.
        **options: of `create_basic_model`, which take the place of the scenario's, such as `encoder_filters`,
            `decoder_filters`, `seed` or `dtype`. `gamma` is half the square of the range's geometric mean unless given.

    Returns:
        A `CompressIntraModel`, not yet built or compiled.

    Raises:
        ValueError: an argument out of its range. TypeError: one that is not known.
    """
    return create_basic_model(**scenario_arguments("grayscale", qstep_range, **options))


def create_lowres_codec_model(
    chroma_subsampling: str = "4:2:0",
    qstep_range: Sequence[float] = SCENARIOS["low-resolution"].qstep_range,
    **options: Any,
) -> CompressIntraModel:
    """Photographs over a colour codec at half their height and width, one model for all rates.

    The linear start keeps, of blocks of 16×16 pixels, the 64 DCT coefficients nearest to DC.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    model = ks.models.create_lowres_codec_model(encoder_filters=(8,), decoder_filters=(8, 8))
    photographs = np.random.default_rng(0).uniform(0, 255, (1, 64, 48, 3)).astype("float32")
    assert model(photographs)["bottleneck"].shape == (1, 32, 24, 3)
    ```

    Args:
        chroma_subsampling: of the codec: "4:4:4", "4:2:2" or "4:2:0".
        qstep_range: (lowest, highest) quantizer step in training, in pixel levels.
        **options: of `create_basic_model`, which take the place of the scenario's. `gamma` is 1.1 times the square of
            the range's geometric mean unless given.

    Returns:
        A `CompressIntraModel`, not yet built or compiled.

    Raises:
        ValueError: an argument out of its range. TypeError: one that is not known.
    """
    options = {"chroma_subsampling": chroma_subsampling, **options}
    return create_basic_model(**scenario_arguments("low-resolution", qstep_range, **options))


def create_color_codec_model(
    chroma_subsampling: str = "4:2:0",
    qstep_range: Sequence[float] = SCENARIOS["colour"].qstep_range,
    **options: Any,
) -> CompressIntraModel:
    """Colour photographs over a colour codec, at their own size: fewer bits for the same picture.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    model = ks.models.create_color_codec_model(
        "4:4:4", encoder_filters=(8,), decoder_filters=(8, 8)
    )
    photographs = np.random.default_rng(0).uniform(0, 255, (1, 64, 48, 3)).astype("float32")
    assert model(photographs)["bottleneck"].shape == photographs.shape
    ```

    Args:
        chroma_subsampling: of the codec: "4:4:4", "4:2:2" or "4:2:0".
        qstep_range: (lowest, highest) quantizer step in training, in pixel levels.
        **options: of `create_basic_model`, which take the place of the scenario's. `gamma` is half the square of the
            range's geometric mean unless given.

    Returns:
        A `CompressIntraModel`, not yet built or compiled.

    Raises:
        ValueError: an argument out of its range. TypeError: one that is not known.
    """
    options = {"chroma_subsampling": chroma_subsampling, **options}
    return create_basic_model(**scenario_arguments("colour", qstep_range, **options))


def scenario_arguments(
    scenario: str, qstep_range: Sequence[float] | None = None, **options: Any
) -> dict[str, Any]:
    """The arguments of a scenario's `create`, or of a baseline with one network."""
    described = SCENARIOS[scenario]
    qsteps = described.qstep_range if qstep_range is None else tuple(qstep_range)
    arguments: dict[str, Any] = {
        **UNETS,
        **described.arguments,
        "gamma": described.slope * math.prod(qsteps),
        "qstep_range": qsteps,
        "cost_in_decibels": True,
        **options,
    }
    if "resampling" not in options and arguments.get("downsample_factor", 2) != 2:
        arguments["resampling"] = "filters"  # DCT coefficients are kept for halves alone
    if "rate_model" not in arguments and described.create is create_basic_model:
        colour = arguments["bottleneck_channels"] == 3
        transformed = arguments.get("convert_to_yuv", colour)
        arguments["rate_model"] = JpegRate(
            gradient="unrounded" if colour else "quantized",
            interleaved=transformed,
            chroma_subsampling=arguments.get("chroma_subsampling", "4:4:4"),
        )
    return arguments
