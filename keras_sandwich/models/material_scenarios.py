"""The sandwiches for normal maps and materials in one call."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from keras_sandwich.models.builders import create_basic_model
from keras_sandwich.models.compress_intra import CompressIntraModel
from keras_sandwich.models.potential_start import material_kernels, potential_kernels
from keras_sandwich.models.scenarios import SCENARIOS, scenario_arguments

# How many of a bottleneck's eight planes each file of a material holds.
MATERIAL_FILES = (3, 3, 1, 1)


def create_normal_map_codec_model(
    chroma_subsampling: str = "4:4:4",
    qstep_range: Sequence[float] = SCENARIOS["normal-maps"].qstep_range,
    **options: Any,
) -> CompressIntraModel:
    """Normal maps over a colour codec, one model for all rates.

    Its maps have two channels, x and y with y up, in levels 127.5·(n + 1): z follows from them, as the normals have
    unit length and point towards the viewer (`pictures.normals_to_levels`). Over 4:4:4 the codec is without colour
    transform, `codecs.JPEG(color_transform=False)`. The linear start turns x and y into their
    potential, which is the luma, and what has none, see `potential_start`.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    model = ks.models.create_normal_map_codec_model(encoder_filters=(8,), decoder_filters=(8, 8))
    model.compile("adam", loss=ks.losses.NormalAngleError())
    maps = np.random.default_rng(0).uniform(100, 150, (1, 64, 48, 2)).astype("float32")
    assert model(maps)["bottleneck"].shape == (1, 64, 48, 3)
    ```

    Args:
        chroma_subsampling: of the codec: "4:4:4", "4:2:2" or "4:2:0".
        qstep_range: (lowest, highest) quantizer step in training, in pixel levels.
        **options: of `create_basic_model`, which take the place of the scenario's. `gamma` is half the square of the
            range's geometric mean unless given.

    Returns:
        A `CompressIntraModel`, built, not compiled.

    Raises:
        ValueError: an argument out of its range. TypeError: one that is not known.
    """
    # R, G and B are rounded before they become Y, Cb and Cr, and again after: who has no chroma to halve does without.
    transformed = chroma_subsampling != "4:4:4"
    options = {"chroma_subsampling": chroma_subsampling, "convert_to_yuv": transformed, **options}
    arguments = scenario_arguments("normal-maps", qstep_range, **options)
    return _started(arguments, partial(potential_kernels, as_luma=arguments["convert_to_yuv"]))


def create_material_codec_model(
    qstep_range: Sequence[float] = SCENARIOS["materials"].qstep_range, **options: Any
) -> CompressIntraModel:
    """Materials of eight channels over four ordinary files, one model for all rates.

    Colour (3 channels), normal x and y, roughness, metalness and occlusion, as `pictures.read_material` gives them. The
    codec is `codecs.Split(codecs.JPEG(color_transform=False), (3, 3, 1, 1))`, and 4:4:4. The linear start codes luma
    and chroma; the normals' potential (`potential_start`) with the roughness; metalness; occlusion.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    model = ks.models.create_material_codec_model(encoder_filters=(8,), decoder_filters=(8, 8))
    model.compile("adam", loss=ks.losses.ShadingError(ks.pictures.MATERIAL_MAPS, renders=2))
    materials = np.stack([ks.datasets.generate_material(32, seed) for seed in range(2)])
    assert model(materials)["bottleneck"].shape == (2, 32, 32, 8)
    ```

    Args:
        qstep_range: (lowest, highest) quantizer step in training, in pixel levels.
        **options: of `create_basic_model`, which take the place of the scenario's. `gamma` is 0.7 times the square of
            the range's geometric mean unless given.

    Returns:
        A `CompressIntraModel`, built, not compiled.

    Raises:
        ValueError: an argument out of its range. TypeError: one that is not known.
    """
    return _started(scenario_arguments("materials", qstep_range, **options), material_kernels)


def _started(arguments: dict[str, Any], kernels: Any) -> CompressIntraModel:
    """The model, built, its linear paths started from these kernels."""
    model = create_basic_model(**arguments)
    model.build((None, None, None, arguments["output_channels"]))
    sides = (model.preprocessor, model.postprocessor)
    started = kernels(arguments["patch_size"], arguments["kernel_size"])
    for side, kernel in zip(sides, started, strict=True):
        side.mlp.set_linear(kernel)
    return model
