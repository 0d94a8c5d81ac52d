"""Materials: the picture files of their maps, found by the usual suffixes and read into one array."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_sandwich._arguments import require_option
from keras_sandwich.pictures.finding import find_pictures
from keras_sandwich.pictures.normal_maps import (
    CONVENTIONS,
    HALF,
    normals_to_levels,
    read_normal_map,
)
from keras_sandwich.pictures.reading import read_levels, read_srgb

# What the channels of a material are, as `ops.render_material` and `losses.ShadingError` take them.
MATERIAL_MAPS = ("color", "normal_xy", "roughness", "metalness", "occlusion")
CHANNELS = 8
# Of a map that is not there, as `ops.render_material` takes it: a gray, half of white when linear, and so on.
MISSING = {
    "color": (187.5, 187.5, 187.5),
    "normal": (HALF, HALF),
    "roughness": (127.5,),
    "metalness": (0.0,),
    "occlusion": (255.0,),
}
# The ends of files' names, without what separates their words, by the map that they are; of the packed ones the
# channels.
SUFFIXES = {
    "color": ("color", "colour", "basecolor", "albedo", "diffuse", "diff", "col"),
    "normal": ("normal", "normals", "normalmap", "nor", "nrm"),
    "normal opengl": ("normalgl", "normalopengl", "norgl"),
    "normal directx": ("normaldx", "normaldirectx", "nordx"),
    "roughness": ("roughness", "rough", "rgh"),
    "metalness": ("metalness", "metallic", "metal", "met"),
    "occlusion": ("ambientocclusion", "occlusion", "ao"),
    "packed": (
        "occlusionroughmetal",
        "occlusionroughnessmetallic",
        "occlusionroughnessmetalness",
        "orm",
        "arm",
    ),
}
PACKED = ("occlusion", "roughness", "metalness")  # R, G and B, as in glTF


def find_materials(path: str | os.PathLike[str]) -> dict[str, dict[str, Path]]:
    """The maps of the materials in a folder and its subfolders, by the ends of their names.

    Names end in what the map is, such as `_Color`, `_BaseColor`, `_Normal`, `_NormalDX`, `_Roughness`, `_Metalness`,
    `_AmbientOcclusion` or, packed, `_OcclusionRoughMetal` (R, G and B), in capitals or not; what stands before is the
    material's name. Other pictures, such as `_Displacement`, are left out.

    Example:

    ```python
    import keras_sandwich as ks
    from PIL import Image

    Image.new("RGB", (8, 8), (128, 128, 255)).save("Rock_1K_Normal.png")
    Image.new("L", (8, 8), 90).save("Rock_1K_Roughness.png")
    assert sorted(ks.pictures.find_materials(".")["Rock_1K"]) == ["normal", "roughness"]
    ```

    Args:
        path: a folder.

    Returns:
        For each material, by its name (with the folder's below `path`), the file of each map that it has: "color",
        "normal" or one of known convention, "normal opengl" or "normal directx", "roughness", "metalness", "occlusion"
        and "packed".

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: two files are the same map of a material.
    """
    found: dict[str, dict[str, Path]] = {}
    for file in find_pictures(path):
        stem, kind = split_name(file.stem)
        if kind is None:
            continue
        name = (file.parent.relative_to(path) / (stem or file.parent.name)).as_posix()
        maps = found.setdefault(name, {})
        if kind in maps:
            raise ValueError(
                f"The material {name!r} has two maps of the kind '{kind}'. Received {str(maps[kind])!r} and "
                f"{str(file)!r}; remove one of them."
            )
        maps[kind] = file
    return found


def read_material(
    source: str | os.PathLike[str] | Mapping[str, Any], convention: str = "opengl"
) -> np.ndarray:
    """Reads a material as one array of eight channels: colour, normal x and y, roughness, metalness and occlusion.

    A map that is missing is what glTF renderers take: a gray (half of white when linear), flat normals, roughness 0.5,
    no metal, nothing occluded. Pictures of 16 bits are kept as finely; the channels of colour maps are sRGB, of all
    others the samples themselves.

    Example:

    ```python
    import keras_sandwich as ks
    from PIL import Image

    Image.new("RGB", (8, 8), (200, 100, 50)).save("Wood_Color.png")
    Image.new("RGB", (8, 8), (255, 90, 0)).save("Wood_OcclusionRoughMetal.png")
    material = ks.pictures.read_material(".")
    assert material[0, 0].tolist() == [200, 100, 50, 127.5, 127.5, 90, 0, 255]
    ```

    Args:
        source: a folder with the maps of one material; or its maps, one of `find_materials`.
        convention: of a normal map whose name does not say it: "opengl", green is up; or "directx", green is down.

    Returns:
        [height, width, 8] float32 in [0, 255], in the order of `MATERIAL_MAPS`.

    Raises:
        OSError: a file that cannot be read.
        ValueError: a folder with no material, or with several; neither a colour nor a normal map; maps of different
            sizes; a packed map that is gray; a normal map that is none (`read_normal_map`).
    """
    require_option(convention, CONVENTIONS, "convention")
    maps = dict(source) if isinstance(source, Mapping) else _only_material(source)
    unknown = set(maps) - set(SUFFIXES)
    if unknown or not {kind.partition(" ")[0] for kind in maps} & {"color", "normal"}:
        raise ValueError(
            f"A material has at least a colour or a normal map, and maps among {', '.join(SUFFIXES)}. "
            f"Received {', '.join(maps) or 'none'}."
        )
    read: dict[str, np.ndarray] = {}
    for kind, file in maps.items():
        if kind == "color":
            read["color"] = read_srgb(file).astype("float32")
        elif kind.startswith("normal"):
            stated = kind.partition(" ")[2] or convention
            read["normal"] = normals_to_levels(read_normal_map(file, stated))
        elif kind != "packed":
            read[kind] = _levels(file, 1)
    if "packed" in maps:
        parts = np.split(_levels(maps["packed"], 3), 3, axis=-1)
        read = {**dict(zip(PACKED, parts, strict=True)), **read}
    sizes = {kind: part.shape[:2] for kind, part in read.items()}
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"{kind} {size[1]}×{size[0]}" for kind, size in sizes.items())
        raise ValueError(
            f"The maps of a material must be of one size. Received {said}; scale them."
        )
    height, width = next(iter(sizes.values()))
    parts = [
        read[kind]
        if kind in read
        else np.broadcast_to(np.array(level, "float32"), (height, width, len(level)))
        for kind, level in MISSING.items()
    ]
    return np.concatenate(parts, axis=-1).astype("float32")


def _only_material(path: str | os.PathLike[str]) -> dict[str, Path]:
    found = find_materials(path)
    if len(found) != 1:
        raise ValueError(
            f"Expected the maps of one material in {os.fspath(path)!r}, with names that end as _Color or _Normal. "
            f"Received {', '.join(found) or 'none'}"
            + ("; pass one of find_materials(path)." if found else ".")
        )
    return next(iter(found.values()))


def split_name(stem: str) -> tuple[str, str | None]:
    """A file's name and the map that its end says it is; the longest end counts."""
    words = re.split(r"[_\-. ]", stem)
    for number in (3, 2, 1):
        end = "".join(words[-number:]).lower()
        for kind, ends in SUFFIXES.items():
            if len(words) >= number and end in ends:
                return stem[: len(stem) - len("_".join(words[-number:]))].rstrip("_-. "), kind
    return stem, None


def _levels(file: Any, channels: int) -> np.ndarray:
    """[height, width, channels] in [0, 255]; of a gray map stored in colour, the first channel."""
    levels, peak = read_levels(file)
    if levels.shape[-1] < channels:
        raise ValueError(
            f"A packed map has three channels: occlusion, roughness and metalness. Received {os.fspath(file)!r} "
            f"with {levels.shape[-1]}."
        )
    return np.asarray(levels[..., :channels].astype("float32") * np.float32(255.0 / peak))
