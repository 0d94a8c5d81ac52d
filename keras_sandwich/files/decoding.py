"""A coded file to the picture that the sandwich restores from it."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from keras_sandwich import codecs
from keras_sandwich._whole_files import write_whole
from keras_sandwich.codecs.checks import MAX_PIXELS
from keras_sandwich.codecs.samples import from_samples
from keras_sandwich.files.container import Container, read_container
from keras_sandwich.files.contents import MATERIAL, normal_map_picture
from keras_sandwich.files.lossless import encode_picture, require_format
from keras_sandwich.files.networks import NORMAL_MAP_CHANNELS, Network, bundled_preset, load_network
from keras_sandwich.files.payload import Payload, is_unaltered, pixel_digest
from keras_sandwich.files.targets import require_target
from keras_sandwich.files.value_files import require_values_format, write_values
from keras_sandwich.files.video_decoding import decode_video, open_video
from keras_sandwich.files.video_payload import is_video
from keras_sandwich.inference.tiling import postprocess_picture, require_tile_size

ROWS = 256  # rounded at a time: a picture's float copies would take more memory than itself


def decode_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    model: Any = None,
    *,
    accept_altered: bool = False,
    tile_size: int = 1024,
    verbose: int = 0,
) -> None:
    """Restores the picture, or the video, of a file that `encode_file` wrote.

    Example:

    ```python
    import keras_sandwich as ks
    from PIL import Image

    Image.fromarray(ks.datasets.sample_images("test")[0]).save("picture.png")
    model = ks.models.create_linear_baseline(bottleneck_channels=3, downsample_factor=2)
    ks.encode_file("picture.png", "coded.jpg", model, target_size=8000)
    ks.decode_file("coded.jpg", "restored.png", model)
    assert Image.open("restored.png").size == Image.open("picture.png").size
    ```

    Args:
        source: the coded file.
        target: the picture to write, without loss: .png, .webp, .tif, .bmp, .ppm or .tga. Pictures of more than 8 bits
            become .png files of 16, and so do depth maps of integers; those of floats .exr or .npy files, and
            radiance .exr or .hdr. A video becomes an .mkv file, without loss (FFV1, times in milliseconds), or an
            .mp4 that players take (H.264, hardly a loss to see), with its sound.
        model: the `CompressIntraModel`, or the name or folder of a preset; None is the bundled preset that the file
            names.
        accept_altered: restore also where the decoded pixels are not those that were coded: from a file that was
            edited or saved anew, or with another decoder.
        tile_size: the networks see so many pixels a side at a time.
        verbose: 1 shows a progress bar of a video's frames.

    Raises:
        OSError: a file that cannot be read or written.
        ValueError: the source is no coded file, is damaged, of another version or for another network, or its pixels
            are not those that were coded; a target that would lose something.
        ImportError: a library that is needed is not installed.
    """
    path = require_target(target, source)
    if is_video(Path(source)):
        try:
            payload = open_video(Path(source))
            network = network_of(payload, model)
            decode_video(
                Path(source),
                path,
                payload,
                network,
                accept_altered,
                require_tile_size(tile_size),
                verbose,
            )
        except ValueError as error:
            raise ValueError(f"{str(source)!r} cannot be restored: {error}") from error
        return
    data = Path(source).read_bytes()
    try:
        container, payload = open_coded(data)
    except ValueError as error:
        raise ValueError(f"{str(source)!r} cannot be restored: {error}") from error
    if (payload.holds or "").startswith(MATERIAL):
        raise ValueError(
            f"{str(source)!r} is one of the files of a material; restore them with `files.decode_material`."
        )
    network = network_of(payload, model)
    bits = 8 + network.num_truncate_bits
    values = payload.values
    suffix = (
        require_format(path, payload.output_size, bits)
        if values is None
        else require_values_format(path, values)
    )
    try:
        samples, codec_bits = decoded_samples(data, container, payload, network, accept_altered)
    except ValueError as error:
        raise ValueError(f"{str(source)!r} cannot be restored: {error}") from error
    decoded = samples if codec_bits == 8 else from_samples(samples, codec_bits)
    restored = postprocess_picture(
        network.model, decoded, payload.output_size, tile_size, payload.qstep
    )
    if values is not None:
        peak = 255.0 * 2.0 ** (bits - 8)
        try:
            restored = values.to_values(restored, peak)
        except ValueError as error:
            raise ValueError(f"{str(source)!r} cannot be restored: {error}") from error
        write_values(path, restored)
        return
    if network.channels == NORMAL_MAP_CHANNELS:
        write_whole(path, encode_picture(normal_map_picture(restored, payload.holds), suffix))
        return
    profile = payload.profile or container.header.icc_profile
    write_whole(path, encode_picture(_pixels(restored, bits), suffix, profile))


def open_coded(data: bytes) -> tuple[Container, Payload]:
    """The container and what it says of itself. Anything wrong raises ValueError."""
    container = read_container(data)
    if container.header.xmp is None:
        raise ValueError(
            "it carries no metadata of keras-sandwich. It was not written by `encode_file`, or was "
            "saved anew by a program that dropped them"
        )
    return container, Payload.from_xmp(container.header.xmp)


def network_of(payload: Payload, model: Any) -> Network:
    """The network given, or the bundled preset that the file names; ValueError for another than the file's."""
    if model is None:
        model = bundled_preset(payload.network)
    if model is None:
        named = f" It names the preset {payload.preset!r}." if payload.preset else ""
        raise ValueError(
            "No bundled preset restores the file; pass the model or preset whose fingerprint is "
            f"{payload.network}.{named}"
        )
    network = load_network(model)
    if network.fingerprint != payload.network:
        which = f" (of the preset {payload.preset!r})" if payload.preset else ""
        raise ValueError(
            f"The file was written for the network {payload.network}{which}. "
            f"Received one with the fingerprint {network.fingerprint}; pass the right model."
        )
    return network


def decoded_samples(
    data: bytes, container: Container, payload: Payload, network: Network, accept_altered: bool
) -> tuple[np.ndarray, int]:
    """The coded picture, decoded and checked, and its bits a sample."""
    height, width = payload.output_size
    if height * width > MAX_PIXELS:
        raise ValueError(
            f"it is to be restored to {_spell(payload.output_size)}. At most {MAX_PIXELS} pixels are "
            "coded or restored: more is a decompression bomb or damage"
        )
    expected = network.coded_size(payload.output_size)
    if container.header.size != expected:
        raise ValueError(
            f"a picture of {_spell(payload.output_size)} is coded as one of {_spell(expected)}, and "
            f"the file holds one of {_spell(container.header.size)}. It was edited after it was written"
        )
    codec = _codec(container, payload)
    try:
        samples = codec.decode(data)
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # decoders raise whatever they stumble over
        raise ValueError(f"it is damaged, the codec says: {error}") from error
    if samples.shape != (*expected, network.bottleneck_channels):
        raise ValueError(
            f"the network restores pictures coded as {_spell(expected)} with "
            f"{network.bottleneck_channels} channel(s), and the codec decoded the shape {samples.shape}"
        )
    if pixel_digest(samples) != payload.pixels and not accept_altered:
        raise ValueError(_what_changed(data, container, payload, codec.version))
    return samples, codec.bits


def _codec(container: Container, payload: Payload) -> codecs.Codec:
    """The codec of the container, for samples of as many bits as the file says."""
    kind = container.format.codec
    bits = payload.settings.get("bits", 8)
    if bits == 8:
        return kind()
    try:
        return kind(bits=bits)  # type: ignore[call-arg]
    except (TypeError, ValueError) as error:
        raise ValueError(f"its settings cannot be those of {kind.__name__}: {error}") from error


def _what_changed(data: bytes, container: Container, payload: Payload, version: str) -> str:
    if is_unaltered(data, container.header.xmp or b"", payload):
        return (
            "the decoder gives other pixels than the one that wrote it, though no byte of the file "
            f"has changed. Written with {payload.library}; decoded with {version}. "
            "`accept_altered=True` (--accept-altered) restores it with small errors"
        )
    return (
        "its pixels are not those that were coded: the file is damaged, or was edited or saved anew. "
        "Get it anew; `accept_altered=True` (--accept-altered) restores what is there"
    )


def _spell(size: tuple[int, int]) -> str:
    return f"{size[1]}×{size[0]} pixels"


def _pixels(restored: np.ndarray, bits: int) -> np.ndarray:
    """Rounded and clipped as a file holds them: uint8, or uint16 that spans the whole range."""
    peak = 255.0 * 2.0 ** (bits - 8)
    pixels = np.empty(restored.shape, "uint8" if bits == 8 else "uint16")
    for start in range(0, len(restored), ROWS):
        rows = np.clip(np.rint(restored[start : start + ROWS]), 0, peak)
        pixels[start : start + ROWS] = rows if bits == 8 else np.rint(rows * (65535.0 / peak))
    return pixels
