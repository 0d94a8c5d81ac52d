"""What an exported network will see, and what it loses against Keras: on pictures, through real files."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_sandwich.codecs.samples import from_samples, to_samples
from keras_sandwich.evaluation.quality import psnr
from keras_sandwich.exporting.network_program import IMAGES, QSTEP, NetworkProgram
from keras_sandwich.files.encoding import default_codec
from keras_sandwich.files.networks import Network
from keras_sandwich.inference.equivalent_qstep import qstep_for
from keras_sandwich.inference.tiling import postprocess_picture
from keras_sandwich.inference.transport import code, for_channels, sample_bits, transport
from keras_sandwich.ops.shapes import ceil_multiple

LARGEST = 256  # a picture's side: convolutions see every place alike
USUAL_STEP = 24.0  # of a sandwich whose codec proxy does not say its own
GRID = 64  # of which sides are multiples, so that no side of a sandwich has to pad them


class Case(NamedTuple):
    """A picture through a sandwich at a strength of the codec."""

    picture: np.ndarray
    codec: Any
    qstep: float | None  # what the networks are told
    decoded: np.ndarray  # what the codec made of the bottleneck, in [0, 255]
    bits: float
    restored: np.ndarray


def cases(network: Network, pictures: Sequence[np.ndarray], qstep: float | None) -> list[Case]:
    """Every picture at every strength that the sandwich is for, or at one."""
    model = network.model
    if network.downsample_factor > 1 and model.preprocessor is None:
        raise ValueError(
            "Pictures are made smaller by a preprocessor, and the model has none: there is nothing to "
            "calibrate on or to measure with. Export it with precision='float32', or the whole sandwich."
        )
    proxy = model.codec_proxy
    steps: list[float]
    if qstep is not None:
        steps = [qstep]
    elif model.qstep_range:
        low, high = model.qstep_range
        steps = [low, (low * high) ** 0.5, high]
    elif hasattr(proxy, "effective_qstep"):
        steps = [float(keras.ops.convert_to_numpy(proxy.effective_qstep()))]
    else:
        steps = [USUAL_STEP]
    codec = default_codec(".jpg", network)
    found = []
    for step in steps:
        setting = codec.with_strength(min(max(round(step), 1), 255))
        for whole in pictures:
            picture = _middle(whole)
            sent = transport(model, [_framed(model, picture)], setting)
            (decoded,), (restored,) = sent[model.decoded_key], sent["prediction"]
            bits = sample_bits(for_channels(setting, decoded.shape[-1]))
            samples = from_samples(decoded.reshape(decoded.shape[-3:]), bits)
            told = qstep_for(model, setting)
            restored = restored.reshape(restored.shape[-3:])
            found.append(Case(picture, setting, told, samples, float(sent["rate"][0]), restored))
    return found


def _framed(model: Any, picture: np.ndarray) -> np.ndarray:
    """The picture, or a clip of it for a model of clips."""
    return picture if len(model.axes) == 4 else picture[None]


def _middle(picture: np.ndarray) -> np.ndarray:
    """The middle of a picture, of whole blocks."""
    sizes = [min(size // GRID * GRID, LARGEST) for size in picture.shape[:2]]
    if 0 in sizes:
        raise ValueError(
            f"Calibration takes pictures of at least {GRID}×{GRID} pixels. Received one of "
            f"{picture.shape[1]}×{picture.shape[0]}."
        )
    top, left = ((size - kept) // 2 for size, kept in zip(picture.shape, sizes, strict=False))
    return picture[top : top + sizes[0], left : left + sizes[1]]


def inputs(program: NetworkProgram, images: np.ndarray, qstep: float | None) -> dict[str, Any]:
    """One picture as a program is given it."""
    given = {IMAGES: np.asarray(images, "float32")[None]}
    if program.asks_qstep:
        given[QSTEP] = np.full(1, qstep, "float32")
    return given


def samples(
    program: NetworkProgram, side: str, seen: Sequence[Case], size: tuple[int, int] | None
) -> Iterator[dict[str, Any]]:
    """What the network of a side will be given."""
    for case in seen:
        images = case.picture if side == "preprocessor" else case.decoded
        yield inputs(program, fitting(images, size), case.qstep)


def fitting(images: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    """The picture, cut or repeated to a size, for a program of one size."""
    if size is None:
        return images
    times = [
        ceil_multiple(want, have) // have for want, have in zip(size, images.shape, strict=False)
    ]
    return np.tile(images, (*times, 1))[: size[0], : size[1]]


def loss_of_preprocessor(
    network: Network, program: NetworkProgram, run: Callable[..., np.ndarray], seen: Sequence[Case]
) -> dict[str, float]:
    """Decibels lost, and the change of bits, where the exported network comes before the codec, and Keras' after it."""
    lost, bits = [], []
    for case in seen:
        bottleneck = run(**inputs(program, case.picture, case.qstep))[0]
        coder = for_channels(case.codec, bottleneck.shape[-1])
        file = code(to_samples(bottleneck, sample_bits(coder)), coder)
        decoded = from_samples(file.decoded, sample_bits(coder))
        restored = postprocess_picture(
            network.model, decoded, case.picture.shape[:2], None, case.qstep
        )
        lost.append(_decibels_lost(network, case, restored))
        bits.append(file.bits / case.bits)
    return {
        "decibels_lost": round(float(np.mean(lost)), 4),
        "bits": round(float(np.mean(bits)), 5),
    }


def loss_of_postprocessor(
    network: Network, program: NetworkProgram, run: Callable[..., np.ndarray], seen: Sequence[Case]
) -> dict[str, float]:
    """Decibels lost where the exported network restores what Keras' made."""
    lost = []
    for case in seen:
        restored = run(**inputs(program, case.decoded, case.qstep))[0]
        lost.append(_decibels_lost(network, case, restored))
    return {"decibels_lost": round(float(np.mean(lost)), 4)}


def _decibels_lost(network: Network, case: Case, restored: np.ndarray) -> float:
    """Keras' PSNR less that of what was restored, as files would hold the pictures."""
    peak = 255.0 * 2.0**network.num_truncate_bits
    kept, got = (
        psnr(case.picture, np.clip(np.rint(picture), 0, peak), peak)
        for picture in (case.restored, restored)
    )
    return float(kept - got)
