"""A renderer in float64 NumPy, written from glTF 2.0's appendix B with general vectors."""

import numpy as np

CHANNELS = {"color": 3, "normal_xyz": 3, "normal_xy": 2}


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def float64_render(material, light, view, maps, peak=255.0) -> np.ndarray:
    """[batch, height, width, 3] of [0, peak]."""
    given, first = {}, 0
    values = np.clip(np.asarray(material, "float64") / peak, 0, 1)
    for name in maps:
        count = CHANNELS.get(name, 1)
        given[name] = values[..., first : first + count]
        first += count
    shape = values.shape[:-1]
    color = np.full((*shape, 3), 0.5)
    if "color" in given:
        c = given["color"]
        color = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    normal = np.broadcast_to([0.0, 0.0, 1.0], (*shape, 3))
    if "normal_xyz" in given:
        normal = unit(2 * given["normal_xyz"] - 1)
    elif "normal_xy" in given:
        x, y = np.moveaxis(2 * given["normal_xy"] - 1, -1, 0)
        normal = unit(np.stack([x, y, np.sqrt(np.maximum(1 - x * x - y * y, 1e-4))], -1))
    roughness = np.maximum(given.get("roughness", np.full((*shape, 1), 0.5))[..., 0], 0.045)
    metalness = given.get("metalness", np.zeros((*shape, 1)))
    occlusion = given.get("occlusion", np.ones((*shape, 1)))

    light, view = unit(np.asarray(light, "float64")), unit(np.asarray(view, "float64"))
    half = unit(light + view)
    n_l, n_v, n_h = (normal @ vector for vector in (light, view, half))
    lit = np.maximum(n_l, 0)
    diffuse_color = color * (1 - metalness)
    f0 = 0.04 * (1 - metalness) + color * metalness
    fresnel = f0 + (1 - f0) * (1 - max(view @ half, 0)) ** 5
    a2 = roughness**4
    d = (n_h > 0) * a2 / (np.pi * ((n_h**2) * (a2 - 1) + 1) ** 2)
    # A surface that looks away is seen as one that is edge-on.
    c_l, c_v = np.maximum(lit, 1e-12), np.maximum(n_v, 1e-12)
    g_l = 2 * c_l / (c_l + np.sqrt(a2 + (1 - a2) * c_l**2))
    g_v = 2 * c_v / (c_v + np.sqrt(a2 + (1 - a2) * c_v**2))
    shadowing = g_l * g_v / (4 * c_l * c_v)
    specular = fresnel * (d * shadowing)[..., None]
    diffuse = (1 - fresnel) * diffuse_color / np.pi
    ambient = 0.25 * occlusion * (f0 + (1 - f0) * diffuse_color)
    radiance = np.pi * lit[..., None] * (diffuse + specular) + ambient
    shown = radiance / (1 + radiance)
    coded = np.where(
        shown <= 0.0031308, 12.92 * shown, 1.055 * np.maximum(shown, 1e-9) ** (1 / 2.4) - 0.055
    )
    return peak * coded
