"""A material as ordinary JPEG files, and back: what `encode_file` does for a picture, for eight channels."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from keras_sandwich import codecs
from keras_sandwich._arguments import require_option
from keras_sandwich._whole_files import write_whole
from keras_sandwich.codecs.samples import to_samples
from keras_sandwich.files.contents import MATERIAL, held
from keras_sandwich.files.decoding import decoded_samples, network_of, open_coded
from keras_sandwich.files.encoding import search_strength
from keras_sandwich.files.info import FileInfo, info_of
from keras_sandwich.files.lossless import encode_picture
from keras_sandwich.files.networks import MATERIAL_CHANNELS, Network, load_network
from keras_sandwich.files.payload import Payload, pixel_digest, seal, stated_settings
from keras_sandwich.files.targets import require_one_goal
from keras_sandwich.inference.equivalent_qstep import qstep_for
from keras_sandwich.inference.tiling import postprocess_picture, preprocess_picture
from keras_sandwich.models.material_scenarios import MATERIAL_FILES
from keras_sandwich.pictures import (
    find_materials,
    levels_to_normals,
    normals_to_picture,
    read_material,
)
from keras_sandwich.pictures.materials import split_name
from keras_sandwich.pictures.normal_maps import CONVENTIONS

# The maps that are written, by the ends of their names, with their channels.
WRITTEN = {
    "Color": slice(0, 3),
    "Normal": slice(3, 5),
    "Roughness": slice(5, 6),
    "Metalness": slice(6, 7),
    "AmbientOcclusion": slice(7, 8),
}


def encode_material(
    source: str | os.PathLike[str] | Mapping[str, Any],
    target_folder: str | os.PathLike[str],
    model: Any,
    *,
    name: str | None = None,
    bits_per_pixel: float | None = None,
    strength: float | None = None,
    target_size: int | None = None,
    convention: str = "opengl",
    tile_size: int = 1024,
) -> list[FileInfo]:
    """Writes a material as four ordinary JPEG files that a sandwich restores, `NAME.1.jpg` to `NAME.4.jpg`.

    Each says which network restores the material and which of the files it is. Exactly one of `bits_per_pixel`,
    `strength` and `target_size` says how large they become together.

    Example:

    ```python
    import keras_sandwich as ks
    from PIL import Image

    Image.fromarray(ks.datasets.sample_images("test")[0]).save("Rock_Color.png")
    model = ks.models.create_material_codec_model(encoder_filters=(4,), decoder_filters=(4, 4))
    files = ks.files.encode_material(".", "coded", model, strength=16)
    ks.files.decode_material("coded", "restored", model)
    assert Image.open("restored/Rock_Normal.png").size == (256, 256) and len(files) == 4
    ```

    Args:
        source: a folder with the maps of one material, or its maps, one of `pictures.find_materials`.
        target_folder: made if it is not there. Files of these names are replaced.
        model: a `CompressIntraModel` of eight channels (`create_material_codec_model`), a preset's name or folder.
        name: of the material; None: what the names of its maps begin with.
        bits_per_pixel: write the largest files of at most so many bits per pixel together.
        strength: of the codec, the quantizer step of all files.
        target_size: write the largest files of at most so many bytes together.
        convention: of the normal map, "opengl" or "directx"; so it is restored, too.
        tile_size: the networks see so many pixels a side at a time.

    Returns:
        A `FileInfo` of each file.

    Raises:
        OSError: a file that cannot be read or written.
        ValueError: maps that are no material (`pictures.read_material`), a model that is not for materials, or a target
            size that cannot be reached.
    """
    require_option(convention, CONVENTIONS, "convention")
    network = _for_materials(model)
    goals = {"bits_per_pixel": bits_per_pixel, "strength": strength, "target_size": target_size}
    require_one_goal(**goals)
    name = name or _name_of(source)
    material = read_material(source, convention)
    height, width, _ = material.shape
    written: dict[float | None, list[np.ndarray]] = {}

    def parts(qstep: float | None) -> list[np.ndarray]:
        if qstep not in written:
            written.clear()
            samples = to_samples(preprocess_picture(network.model, material, tile_size, qstep), 8)
            written[qstep] = np.split(samples, np.cumsum(MATERIAL_FILES)[:-1], axis=-1)
        return written[qstep]

    def payload(setting: codecs.Codec, number: int) -> Payload:
        return Payload(
            network=network.fingerprint,
            output_size=(height, width),
            settings=stated_settings(setting),
            library=setting.version,
            preset=network.preset,
            qstep=qstep_for(network.model, setting),
            holds=held(MATERIAL, convention, number),
        )

    def files(setting: codecs.Codec) -> list[bytes]:
        split = parts(qstep_for(network.model, setting))
        return [
            setting.encode(part, xmp=payload(setting, number).to_xmp(sealed=False))
            for number, part in enumerate(split, start=1)
        ]

    codec: codecs.Codec = codecs.JPEG(color_transform=False)
    if strength is not None:
        setting = codec.with_strength(strength)
        coded = files(setting)
    else:
        bits = (
            8.0 * (target_size or 0) if bits_per_pixel is None else height * width * bits_per_pixel
        )
        most = int(bits / 8)
        setting, coded = search_strength(codec, codec.strengths, files, most, height * width)
    folder = Path(target_folder)
    folder.mkdir(parents=True, exist_ok=True)
    infos = []
    for number, file in enumerate(coded, start=1):
        digest = pixel_digest(setting.decode(file))
        sealed = seal(file, payload(setting, number), digest)
        write_whole(folder / f"{name}.{number}.jpg", sealed)
        infos.append(info_of(sealed))
    return infos


def decode_material(
    source_folder: str | os.PathLike[str],
    target_folder: str | os.PathLike[str],
    model: Any = None,
    *,
    name: str | None = None,
    accept_altered: bool = False,
    tile_size: int = 1024,
) -> list[Path]:
    """Restores the maps of a material that `encode_material` wrote, as PNG files.

    They are called `NAME_Color.png`, `NAME_Normal.png`, `NAME_Roughness.png`, `NAME_Metalness.png` and
    `NAME_AmbientOcclusion.png`; maps that the source had not have the values that a renderer would take.

    Args:
        source_folder: with the four files.
        target_folder: made if it is not there.
        model: as for `encode_material`; None is the bundled preset that the files name.
        name: of the material; None: there is only one in the folder.
        accept_altered: restore also where the decoded pixels are not those that were coded.
        tile_size: the networks see so many pixels a side at a time.

    Returns:
        The paths of the maps.

    Raises:
        OSError: a file that cannot be read or written.
        ValueError: files that are missing, damaged, of several materials or for another network.
    """
    folder = Path(source_folder)
    files = _files_of(folder, name)
    parts, first = [], None
    for number, path in enumerate(files, start=1):
        data = path.read_bytes()
        try:
            container, payload = open_coded(data)
            first = first or payload
            convention = (payload.holds or "").rpartition(" ")[2]
            if payload.holds != held(MATERIAL, convention, number):
                raise ValueError(
                    f"it holds {payload.holds or 'a picture'}, not file {number} of a material"
                )
            if replace(payload, holds=first.holds, pixels=first.pixels, file=first.file) != first:
                raise ValueError(f"it belongs to another material than {files[0].name!r}")
            network = network_of(payload, model)
            _for_materials(network)
            one = replace(network, bottleneck_channels=MATERIAL_FILES[number - 1])
            parts.append(decoded_samples(data, container, payload, one, accept_altered)[0])
        except ValueError as error:
            raise ValueError(f"{str(path)!r} cannot be restored: {error}") from error
    assert first is not None
    restored = postprocess_picture(
        network.model, np.concatenate(parts, axis=-1), first.output_size, tile_size, first.qstep
    )
    target = Path(target_folder)
    target.mkdir(parents=True, exist_ok=True)
    paths = []
    for end, channels in WRITTEN.items():
        levels = np.clip(restored[..., channels], 0.0, 255.0)
        pixels = np.round(levels).astype("uint8")
        if end == "Normal":
            pixels = normals_to_picture(levels_to_normals(levels), convention)
        paths.append(target / f"{files[0].name.removesuffix('.1.jpg')}_{end}.png")
        write_whole(paths[-1], encode_picture(pixels, ".png"))
    return paths


def _for_materials(model: Any) -> Network:
    network = load_network(model)
    if network.channels != MATERIAL_CHANNELS:
        raise ValueError(
            f"A material has {MATERIAL_CHANNELS} channels. Received a network for pictures of "
            f"{network.channels}; take one of `create_material_codec_model`."
        )
    return network


def _name_of(source: Any) -> str:
    if isinstance(source, Mapping):
        return split_name(Path(next(iter(source.values()))).stem)[0] or "material"
    return next(iter(find_materials(source)), "material").rpartition("/")[2]


def _files_of(folder: Path, name: str | None) -> list[Path]:
    """`NAME.1.jpg` and so on, all of them."""
    begun = sorted(folder.glob(f"{name or '*'}.1.jpg"))
    if len(begun) != 1:
        raise ValueError(
            f"Expected the files of one material, NAME.1.jpg to NAME.{len(MATERIAL_FILES)}.jpg, in {str(folder)!r}. "
            f"Received {', '.join(path.name for path in begun) or 'none'}"
            + ("; give its `name`." if begun else ".")
        )
    stem = begun[0].name.removesuffix(".1.jpg")
    files = [folder / f"{stem}.{number}.jpg" for number in range(1, len(MATERIAL_FILES) + 1)]
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        raise ValueError(
            f"The material {stem!r} is incomplete. Received no {', '.join(missing)} in {str(folder)!r}; get it anew."
        )
    return files
