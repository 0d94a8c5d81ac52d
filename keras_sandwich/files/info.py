"""What a coded file says of itself, without restoring it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_sandwich.codecs.video_reader import VideoReader
from keras_sandwich.files.decoding import open_coded
from keras_sandwich.files.payload import is_unaltered
from keras_sandwich.files.video_payload import (
    KEY,
    coded_shape,
    is_video,
    read_payload,
)
from keras_sandwich.files.video_payload import is_unaltered as is_unaltered_video


@dataclass(frozen=True)
class FileInfo:
    """What `encode_file` wrote, and `read_info` reads.

    Attributes:
        format: "JPEG", "WebP", "AVIF", "HEIC" or "MP4".
        file_size: bytes of the file.
        metadata_size: bytes of the XMP packet in it.
        bits_per_pixel: of the restored picture, or of all frames of a video, all bytes counted.
        output_size: (height, width) of the restored picture.
        coded_size: (height, width) of the picture that viewers show.
        network: the first 32 hexadecimal digits of the fingerprint of the network that restores.
        preset: the bundled preset that holds the network, or None.
        settings: of the codec that wrote the file: its class and the arguments that are not its defaults.
        library: the codec's libraries and their versions.
        pixels: the first 32 hexadecimal digits of the SHA-256 of the pixels that were coded.
        has_profile: whether the restored picture gets an ICC profile.
        unaltered: whether every byte of the file is as it was written.
        holds: what is restored: "picture", "depth", "radiance", "normal-map" with its convention, or "material" with
            the number of the file among its files and the convention.
        frames: of a video; 1 for a picture.
        seconds: that a video lasts; None for a picture.
    """

    format: str
    file_size: int
    metadata_size: int
    bits_per_pixel: float
    output_size: tuple[int, int]
    coded_size: tuple[int, int]
    network: str
    preset: str | None
    settings: dict[str, Any]
    library: str
    pixels: str
    has_profile: bool
    unaltered: bool
    holds: str = "picture"
    frames: int = 1
    seconds: float | None = None


def read_info(path: str | os.PathLike[str]) -> FileInfo:
    """Reads what a coded file says of itself; no network is needed, and no pixel decoded.

    Example:

    ```python
    import keras_sandwich as ks
    from PIL import Image

    Image.fromarray(ks.datasets.sample_images("test")[0]).save("picture.png")
    ks.encode_file("picture.png", "coded.jpg", ks.models.create_linear_baseline(), strength=16)
    info = ks.files.read_info("coded.jpg")
    assert info.settings["qstep"] == 16 and info.output_size == (256, 256) and info.unaltered
    ```

    Args:
        path: a file that `encode_file` wrote.

    Returns:
        A `FileInfo`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no coded file, is damaged, or of another version.
    """
    try:
        if is_video(Path(path)):
            return _video_info(Path(path))
        return info_of(Path(path).read_bytes())
    except ValueError as error:
        raise ValueError(f"{str(path)!r} cannot be read: {error}") from error


def info_of(data: bytes) -> FileInfo:
    """The same for the bytes of a file."""
    container, payload = open_coded(data)
    height, width = payload.output_size
    return FileInfo(
        format=container.format.name,
        file_size=len(data),
        metadata_size=len(container.header.xmp or b""),
        bits_per_pixel=8.0 * len(data) / (height * width),
        output_size=payload.output_size,
        coded_size=container.header.size,
        network=payload.network,
        preset=payload.preset,
        settings=dict(payload.settings),
        library=payload.library,
        pixels=payload.pixels,
        has_profile=(payload.profile or container.header.icc_profile) is not None,
        unaltered=is_unaltered(data, container.header.xmp or b"", payload),
        holds=payload.values.kind if payload.values else payload.holds or "picture",
    )


def _video_info(path: Path) -> FileInfo:
    with open(path, "rb") as file, VideoReader(file) as reader:
        payload = read_payload(reader)
        coded = coded_shape(reader)
    xmp = reader.metadata[KEY].encode()
    height, width = payload.output_size
    size = path.stat().st_size
    return FileInfo(
        format="MP4",
        file_size=size,
        metadata_size=len(xmp),
        bits_per_pixel=8.0 * size / (height * width * reader.frames),
        output_size=payload.output_size,
        coded_size=coded[:2],
        network=payload.network,
        preset=payload.preset,
        settings=dict(payload.settings),
        library=payload.library,
        pixels=payload.pixels,
        has_profile=False,
        unaltered=is_unaltered_video(path, xmp, payload),
        frames=reader.frames,
        seconds=reader.seconds,
    )
