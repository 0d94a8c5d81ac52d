"""Pictures of any size through the networks, one window at a time, in bounded memory."""

import itertools
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_sandwich._arguments import is_integer
from keras_sandwich.inference.equivalent_qstep import qstep_for
from keras_sandwich.inference.windows import Range, plan_windows, shifted_range
from keras_sandwich.models.processors import Postprocessor, Preprocessor
from keras_sandwich.models.receptive_field import POINTWISE, ReceptiveField, joint_receptive_field
from keras_sandwich.ops.blocks import BLOCK
from keras_sandwich.ops.resampling import window_support, window_weights
from keras_sandwich.ops.shapes import ceil_multiple, mirrored_indices


def preprocess_picture(
    system: Any, picture: Any, tile_size: int | None = 1024, qstep: float | None = None
) -> np.ndarray:
    """One picture of any size to its bottleneck: `system.preprocess`, in the memory of a tile.

    The networks see windows: a tile and, around it, all that its pixels depend on. The result is that of the whole
    picture at once but for the rounding of float32.

    Example:

    ```python
    import keras
    import numpy as np
    import keras_sandwich as ks

    model = ks.models.create_basic_model(1, encoder_filters=(8,), decoder_filters=(8, 8))
    picture = np.random.default_rng(0).integers(0, 256, (150, 101, 3), "uint8")
    bottleneck = ks.inference.preprocess_picture(model, picture, tile_size=64)
    at_once = keras.ops.convert_to_numpy(model.preprocess(picture[None]))[0]
    assert bottleneck.shape == (150, 101, 1) and np.allclose(bottleneck, at_once, atol=1e-3)
    ```

    Args:
        system: a `CompressIntraModel`; or any object with `preprocess`, which is given the whole picture.
        picture: [height, width, channels] in [0, 255·2^k], of any dtype, which may be a memory-mapped file.
        tile_size: side of a tile in pixels of the picture; None gives the networks the whole picture.
        qstep: the codec's quantizer step, for networks conditioned on it; None: the model's own.

    Returns:
        [height // factor, width // factor, channels] float32, sides of at least 1 and whole macroblocks where the
        preprocessor has some, not clipped.

    Raises:
        ValueError: no picture, a tile size that is not a positive integer, or a picture larger than a tile and a
            network that does not say how far it sees.
    """
    tile = require_tile_size(tile_size)
    picture = _require_picture(picture, "picture")
    if not hasattr(system, "preprocessor"):
        return _whole(system.preprocess, picture)
    side = system.preprocessor
    if side is None:
        return np.array(picture, "float32")
    for axis in (0, 1):
        size, unit = picture.shape[axis], getattr(side, "macroblock", 1)
        if size % unit:
            mirrored = mirrored_indices(size, ceil_multiple(size, unit), repeat_edge=True)
            picture = np.take(picture, mirrored, axis)
    height, width, channels = picture.shape
    build_once(side, (None, None, None, channels))
    if not isinstance(side, Preprocessor) and not _tiled(picture.shape[:2], tile):
        return _whole(system.preprocess, picture)
    factor = getattr(side, "downsample_factor", 1)
    reach = _require_reach(side, picture.shape[:2], tile, "preprocessor")
    sizes = height, width
    if isinstance(side, Preprocessor):
        sizes = tuple(side.compute_output_shape((1, height, width, channels)))[1:3]
    windows = (
        _reducing(size, results, None if tile is None else max(tile // factor, 1), reach, side)
        for size, results in zip((height, width), sizes, strict=True)
    )
    return _run(side, picture, windows, sizes, qstep_told(system, side, qstep))


def postprocess_picture(
    system: Any,
    decoded: Any,
    output_size: tuple[int, int] | None = None,
    tile_size: int | None = 1024,
    qstep: float | None = None,
) -> np.ndarray:
    """One decoded bottleneck of any size to its picture: `system.postprocess`, in the memory of a tile.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    model = ks.models.create_basic_model(3, downsample_factor=2, use_unet_postprocessor=False)
    decoded = np.random.default_rng(0).integers(0, 256, (75, 50, 3), "uint8")
    picture = ks.inference.postprocess_picture(model, decoded, (150, 101), tile_size=64)
    assert picture.shape == (150, 101, 3)
    ```

    Args:
        system: a `CompressIntraModel`; or any object with `postprocess`, which is given the whole bottleneck.
        decoded: [height, width, channels] in [0, 255], of any dtype, as `from_samples` returns it.
        output_size: (height, width) of the picture; None is `downsample_factor` times the bottleneck's, which is also
            what a postprocessor that does not enlarge returns.
        tile_size: side of a tile in pixels of the picture; None gives the networks the whole bottleneck.
        qstep: as in `preprocess_picture`.

    Returns:
        [output height, output width, channels] float32, not clipped.

    Raises:
        ValueError: as `preprocess_picture`.
    """
    decoded = _require_picture(decoded, "decoded")
    size = None if output_size is None else (int(output_size[0]), int(output_size[1]))

    def whole() -> np.ndarray:
        return _whole(lambda bottlenecks: system.postprocess(bottlenecks, size), decoded)

    if not hasattr(system, "postprocessor"):
        return whole()
    side = system.postprocessor
    if side is None:
        return np.array(decoded, "float32")
    tile = require_tile_size(tile_size)
    build_once(side, (None, None, None, decoded.shape[-1]))
    whole_size = restored_size(side, decoded.shape, size)
    if not isinstance(side, Postprocessor) and not _tiled(whole_size, tile):
        return whole()
    windows = postprocess_windows(side, decoded.shape, whole_size, tile)
    restored = _run(side, decoded, windows, whole_size, qstep_told(system, side, qstep))
    if size is None or getattr(system, "macroblock", 1) == 1:
        return restored
    return restored[: size[0], : size[1]]


def restored_size(
    side: Any, shape: tuple[int, ...], asked: tuple[int, int] | None
) -> tuple[int, int]:
    """What a postprocessor makes of a bottleneck: the size asked for, or whole macroblocks of it."""
    factor = getattr(side, "downsample_factor", 1)
    if asked is None or factor == 1 or getattr(side, "by_dct", False):
        return shape[0] * factor, shape[1] * factor
    return asked


Windows = tuple[Iterator["Step"], Iterator["Step"]]  # along rows and columns


def postprocess_windows(
    side: Any, shape: tuple[int, ...], size: tuple[int, int], tile: int | None
) -> Windows:
    """The windows in which a postprocessor makes a picture of a size of a bottleneck."""
    reach = _require_reach(side, size, tile, "postprocessor")
    rows, columns = (
        _enlarging(samples, results, tile, reach, side)
        for samples, results in zip(shape[:2], size, strict=True)
    )
    return rows, columns


def qstep_told(system: Any, side: Any, qstep: float | None) -> float | None:
    """The step that a side's network is told; None if it is told none."""
    if not getattr(side, "conditioned", False):
        return None
    return qstep_for(system) if qstep is None else float(qstep)


class Step(NamedTuple):
    """A window along one axis: what is read, how it is resampled, and what of the result goes where."""

    read: Range
    weights: np.ndarray | None
    kept: slice
    result: Range


def _reducing(
    size: int, results: int, tile: int | None, reach: ReceptiveField, side: Any
) -> Iterator[Step]:
    """The network, and then fewer samples."""
    by_dct = getattr(side, "by_dct", False)
    factor = side.downsample_factor if by_dct else 1
    filtered = results != size and not by_dct

    def support(result: Range) -> Range:
        if filtered:
            return window_support(size, results, result, side.filter)
        return result[0] * factor, result[1] * factor

    tile = min(results, tile or results)
    tile = ceil_multiple(tile, BLOCK) if by_dct else tile
    for seen, result in plan_windows(size, results, tile, reach, support):
        count = result[1] - result[0]
        if not filtered:
            start = result[0] - seen[0] // factor
            yield Step(seen, None, slice(start, start + count), result)
            continue
        # One shape for the last tile too.
        weights = np.zeros((max(tile, count), seen[1] - seen[0]), "float32")
        weights[:count] = window_weights(size, results, result, seen, side.filter)
        yield Step(seen, weights, slice(0, count), result)


def _enlarging(
    size: int, results: int, tile: int | None, reach: ReceptiveField, side: Any
) -> Iterator[Step]:
    """More samples, and then the network."""
    for seen, result in plan_windows(results, results, tile or results, reach, lambda r: r):
        start = result[0] - seen[0]
        kept = slice(start, start + result[1] - result[0])
        if results == size:
            yield Step(seen, None, kept, result)
            continue
        if side.by_dct:
            read = seen[0] * size // results, seen[1] * size // results
            yield Step(read, None, kept, result)
            continue
        read = window_support(size, results, seen, side.filter)
        # As many samples for each window of a size, wherever it lies between them.
        margin = 2 + math.ceil(6.0 * max(size / results, 1.0))
        read = shifted_range(read, math.ceil((seen[1] - seen[0]) * size / results) + margin, size)
        weights = window_weights(size, results, seen, read, side.filter)
        yield Step(read, weights, kept, result)


def _run(
    side: Any,
    picture: np.ndarray,
    windows: Any,
    size: Any,
    qstep: float | None,
) -> np.ndarray:
    """Fills the result, window by window."""
    rows, columns = windows
    run = _stage(side) if isinstance(side, (Preprocessor, Postprocessor)) else _layer(side)
    across = list(columns)
    whole: np.ndarray | None = None
    for row, column in itertools.product(rows, across):
        window = picture[slice(*row.read), slice(*column.read)][None].astype("float32")
        part = run(window, row.weights, column.weights, qstep)[0, row.kept, column.kept]
        if whole is None:
            whole = np.empty((*size, part.shape[-1]), "float32")
        whole[slice(*row.result), slice(*column.result)] = part
    assert whole is not None
    return whole


Run = Callable[[np.ndarray, np.ndarray | None, np.ndarray | None, float | None], np.ndarray]


class _Stage(keras.Model):
    """A processor for windows, as a model whose `predict_on_batch` keeps nothing for a gradient."""

    def __init__(self, processor: Any) -> None:
        super().__init__(autocast=False, dtype="float32", name="stage")
        self.processor = processor
        self.built = True
        # XLA gains nothing here on TensorFlow and compiles for long; JAX alone needs it.
        self.compile(jit_compile=keras.backend.backend() == "jax")

    def call(self, inputs: dict[str, Any]) -> Any:
        return self.processor.call_window(**inputs)


# Several threads may share a model, as a web server's do: one makes what all of them use, and on JAX, where a compiled
# step takes the weights over and gives them back, one at a time runs it.
_one_thread = threading.RLock()
_running: AbstractContextManager[Any] = (
    _one_thread if keras.backend.backend() == "jax" else nullcontext()
)


def build_once(layer: Any, shape: Any) -> None:
    """Builds a layer or model that is not built, whichever of several threads comes first."""
    with _one_thread:
        if not layer.built:
            layer.build(shape)


def _stage(processor: Any) -> Run:
    with _one_thread:
        stage = vars(processor).get("_stage")
        if stage is None:
            stage = _Stage(processor)
            stage.make_predict_function()
            # Kept with the processor, as compiled programs are; not one of its layers, which Keras would make it.
            object.__setattr__(processor, "_stage", stage)

    def run(window: np.ndarray, rows: Any, columns: Any, qstep: float | None) -> np.ndarray:
        step = None if qstep is None else np.full(1, qstep, "float32")
        inputs = {"images": window, "rows": rows, "columns": columns, "qstep": step}
        given = {name: value for name, value in inputs.items() if value is not None}
        with _running:
            return np.asarray(stage.predict_on_batch(given))

    return run


def _layer(layer: Any) -> Run:
    def run(window: np.ndarray, rows: Any, columns: Any, qstep: float | None) -> np.ndarray:
        part = np.asarray(ops.convert_to_numpy(layer(window)))
        if part.shape[:3] != window.shape[:3]:
            raise ValueError(
                "A layer that is given windows must return their size. Received shape "
                f"{part.shape} for {window.shape}; pass tile_size=None to give it whole pictures."
            )
        return part

    return run


def _whole(function: Callable[[Any], Any], picture: np.ndarray) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(function(picture[None])))[0]


def _tiled(size: tuple[int, ...], tile: int | None) -> bool:
    return tile is not None and max(size) > tile


def _require_reach(side: Any, size: tuple[int, ...], tile: int | None, name: str) -> ReceptiveField:
    """How far a side sees; ValueError if the picture must be cut and the side does not say."""
    if not _tiled(size, tile):
        return POINTWISE
    own = isinstance(side, (Preprocessor, Postprocessor))
    reach = side.receptive_field() if own else joint_receptive_field(side)
    network = getattr(side, "unet", side) if own else side
    if reach is None or (not own and getattr(side, "downsample_factor", 1) != 1):
        raise ValueError(
            f"The {name} has a network of its own kind, {type(network).__name__}, and a picture larger than a tile "
            "can be cut only if it is known how far the network sees. Set its attributes "
            "`receptive_radius` (pixels) and, if it pools or works on patches, `alignment` (pixels), where "
            "it keeps the picture's size; or pass tile_size=None to give it whole pictures. "
            f"Received {size[0]}×{size[1]} pixels for tile_size={tile}."
        )
    return reach


def require_tile_size(tile_size: Any) -> int | None:
    """The side of a tile as an int, or None; ValueError for what is neither."""
    if tile_size is not None and not is_integer(tile_size):
        raise ValueError(
            f"`tile_size` must be a positive integer or None. Received tile_size={tile_size!r}."
        )
    return None if tile_size is None else int(tile_size)


def _require_picture(picture: Any, name: str) -> np.ndarray:
    picture = picture if isinstance(picture, np.ndarray) else ops.convert_to_numpy(picture)
    if picture.ndim != 3 or 0 in picture.shape:
        raise ValueError(
            f"`{name}` must be one picture [height, width, channels]. "
            f"Received shape {tuple(picture.shape)}."
        )
    return np.asarray(picture)
