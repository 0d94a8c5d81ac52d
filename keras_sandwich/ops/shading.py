"""Renders of material maps: Lambert's diffuse and the GGX specular reflection of glTF 2.0, under one light.

Khronos, "glTF 2.0 Specification", appendix B: metallic-roughness materials. The light is far away, and white: a white
diffuse surface that faces it has the radiance 1. To it comes an even light from everywhere, which occlusion dims.
"""

import math
from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_sandwich.ops.rounding import straight_through
from keras_sandwich.ops.shapes import as_tensor, require_images

# How many channels each map has.
MAPS = {
    "color": 3,
    "normal_xyz": 3,
    "normal_xy": 2,
    "roughness": 1,
    "metalness": 1,
    "occlusion": 1,
}
# Of a map that is not there: a gray, half rough, nothing metallic, nothing occluded.
COLOR, ROUGHNESS, METALNESS, OCCLUSION = 0.5, 0.5, 0.0, 1.0
AMBIENT = 0.25  # of the even light, over a white surface's radiance under the other
DIELECTRIC = 0.04  # what a surface that is no metal reflects head-on
# Smoother ones have highlights that float32 cannot hold (as in Filament).
LEAST_ROUGHNESS = 0.045
LEAST_Z = 0.01  # of a normal of which x and y are given
LEAST_SQUARE = 1e-12  # of a vector's length


def render_material(
    material: Any,
    light: Any,
    view: Any,
    maps: Sequence[str] = ("normal_xyz",),
    image_max: float = 255.0,
) -> Any:
    """Pictures of a flat surface with these maps, lit and seen from given directions.

    Differentiable, float32. Radiance L is shown as L/(1 + L) (Reinhard et al. 2002), coded as sRGB. What lies outside
    [0, image_max] is clipped; the gradient passes.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    flat = np.full((1, 4, 4, 3), [127.5, 127.5, 255.0], "float32")  # normals that point up
    above = np.array([0.0, 0.0, 1.0])
    bright = ks.ops.render_material(flat, light=above, view=above)
    dim = ks.ops.render_material(flat, light=[0.8, 0.0, 0.6], view=above)
    assert np.all(np.asarray(dim) < np.asarray(bright))
    ```

    Args:
        material: [batch, height, width, channels] in [0, image_max], linear but for the colour, which is sRGB.
        light: the direction to the light, [3] or up to [batch, height, width, 3]: x to the right, y up, z towards
            the viewer. Its length does not matter.
        view: the direction to the viewer, of the same kind.
        maps: what the channels are, in order: "color" (3 channels), "normal_xyz" (3) or "normal_xy" (2), "roughness",
            "metalness" and "occlusion" (1 each); normals are coded as (n + 1)/2. One that is missing is a gray
            (0.5 linear), a flat surface, 0.5, 0, 1.
        image_max: the largest value of the maps and of the pictures.

    Returns:
        [batch, height, width, 3] float32 in [0, image_max]; without a colour one channel.

    Raises:
        ValueError: maps that are unknown, given twice, or have another number of channels than the material.
    """
    return render_decoded(decode_maps(material, maps, image_max), light, view, image_max)


def render_decoded(surface: dict[str, Any], light: Any, view: Any, image_max: float) -> Any:
    """`render_material` of `decode_maps`' surface; a gray one has one channel."""
    radiance = reflected_radiance(surface, unit_vector(light), unit_vector(view))
    return image_max * _to_srgb(radiance / (1.0 + radiance))


def check_maps(maps: Sequence[str]) -> tuple[str, ...]:
    """The maps' names, or a ValueError."""
    names = [maps] if isinstance(maps, str) else list(maps)
    normals = [name for name in names if str(name).startswith("normal")]
    if not names or set(names) - set(MAPS) or len(set(names)) < len(names) or len(normals) > 1:
        raise ValueError(
            f"`maps` must be some of {', '.join(MAPS)}, each once and one kind of normals. Received {maps!r}."
        )
    return tuple(names)


def decode_maps(material: Any, maps: Sequence[str], image_max: float) -> dict[str, Any]:
    """What reflects: unit "normal", GGX' "alpha", "base" of the diffuse, "head_on" reflectance, "ambient" radiance."""
    material = require_images(material, "material")
    maps = check_maps(maps)
    expected = sum(MAPS[name] for name in maps)
    if material.shape[-1] != expected:
        raise ValueError(
            f"The maps {', '.join(maps)} have {expected} channels. "
            f"Received a material of shape {tuple(material.shape)}."
        )
    material = _clip(material / image_max, 0.0)
    first, given = 0, {}
    for name in maps:
        given[name] = material[..., first : first + MAPS[name]]
        first += MAPS[name]
    one = ops.ones_like(material[..., :1])
    color = _to_linear(given["color"]) if "color" in given else COLOR * one
    metalness = given.get("metalness", METALNESS * one)
    base = color * (1.0 - metalness)
    head_on = DIELECTRIC * (1.0 - metalness) + color * metalness
    everywhere = given.get("occlusion", OCCLUSION * one) * (base + head_on * (1.0 - base))
    return {
        "normal": _unit_normal(given, one),
        "alpha": ops.square(_clip(given.get("roughness", ROUGHNESS * one), LEAST_ROUGHNESS)),
        "base": base,
        "head_on": head_on,
        "ambient": AMBIENT * everywhere,
    }


def reflected_radiance(surface: dict[str, Any], light: Any, view: Any) -> Any:
    """[batch, height, width, 3 or 1], linear, of `decode_maps`' surface and unit vectors."""
    normal, alpha, base = surface["normal"], surface["alpha"], surface["base"]
    half = _normalized([a + b for a, b in zip(light, view, strict=True)])
    # Schlick's Fresnel.
    grazing = (1.0 - ops.relu(_dot(view, half))) ** 5
    fresnel = surface["head_on"] + (1.0 - surface["head_on"]) * grazing
    cosine_light, cosine_view = ops.relu(_dot(normal, light)), ops.relu(_dot(normal, view))
    specular = ggx_distribution(normal, half, alpha)
    specular = specular * _visibility(cosine_light, alpha) * _visibility(cosine_view, alpha)
    # π is the light's: what is not reflected at the surface, (1 − F)·base/π, and what is.
    reflected = base + fresnel * (math.pi * specular - base)
    return cosine_light * reflected + surface["ambient"]


def ggx_distribution(normal: Any, half: Any, alpha: Any) -> Any:
    """Trowbridge and Reitz's distribution of microfacets (GGX), by solid angle."""
    cosine = _dot(normal, half)
    # 1 − cos² as the square of the cross product: near 1 the difference has no digits left in float32.
    (x, y, z), (u, v, w) = normal, half
    cross = y * w - z * v, z * u - x * w, x * v - y * u
    spread = _dot(cross, cross) + ops.square(cosine * alpha)
    return ops.where(cosine > 0.0, ops.square(alpha / spread) / math.pi, ops.zeros_like(spread))


def unit_vector(vectors: Any) -> list[Any]:
    """x, y and z, [..., 1] float32 each, of vectors [..., 3], brought to length 1.

    Apart, since sums over an axis of three are slow.
    """
    vectors = ops.cast(as_tensor(vectors), "float32")
    return _normalized([vectors[..., k : k + 1] for k in range(3)])


def _normalized(vector: Sequence[Any]) -> list[Any]:
    length = ops.sqrt(ops.maximum(_dot(vector, vector), LEAST_SQUARE))
    return [component / length for component in vector]


def _dot(a: Sequence[Any], b: Sequence[Any]) -> Any:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _visibility(cosine: Any, alpha: Any) -> Any:
    """Smith's masking for GGX, over twice the cosine."""
    square = ops.square(alpha)
    return 1.0 / (cosine + ops.sqrt(square + (1.0 - square) * ops.square(cosine)))


def _unit_normal(given: dict[str, Any], one: Any) -> list[Any]:
    if "normal_xyz" in given:
        return unit_vector(2.0 * given["normal_xyz"] - 1.0)
    if "normal_xy" not in given:
        return [0.0 * one, 0.0 * one, one]
    x, y = (2.0 * given["normal_xy"][..., k : k + 1] - 1.0 for k in range(2))
    z = ops.sqrt(ops.maximum(1.0 - ops.square(x) - ops.square(y), LEAST_Z**2))
    return _normalized([x, y, z])


def _clip(x: Any, low: float) -> Any:
    """To [low, 1]; the gradient passes, so that what left the range is called back."""
    return straight_through(ops.clip(ops.stop_gradient(x), low, 1.0), x)


def _to_linear(color: Any) -> Any:
    """IEC 61966-2-1."""
    return ops.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)


def _to_srgb(linear: Any) -> Any:
    """IEC 61966-2-1."""
    power = ops.maximum(linear, 0.0031308) ** (1.0 / 2.4)
    return ops.where(linear <= 0.0031308, 12.92 * linear, 1.055 * power - 0.055)
