"""Renders against a float64 renderer, and what energy and reciprocity ask of any reflection."""

import numpy as np
import pytest
from autodiff import finite_differences, gradient, run
from float64_shading import float64_render
from photographs import noise

import keras_sandwich as ks
from keras_sandwich.ops.shading import (
    decode_maps,
    ggx_distribution,
    reflected_radiance,
    unit_vector,
)

ALL = ("color", "normal_xy", "roughness", "metalness", "occlusion")
PACKED = ("occlusion", "roughness", "metalness", "normal_xyz", "color")
LIGHT, VIEW = [0.3, -0.5, 0.7], [-0.2, 0.6, 0.9]


def normals(height=9, width=12, seed=0):
    """[1, height, width, 3], coded; some look away from the light or the viewer."""
    vectors = np.random.default_rng(seed).normal(0, 1, (1, height, width, 3))
    vectors[..., 2] = np.abs(vectors[..., 2])
    return (127.5 * (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True) + 1)).astype(
        "float32"
    )


def material(maps):
    channels = {"color": 3, "normal_xy": 2, "normal_xyz": 3}
    parts = [noise(1, 9, 12, channels.get(name, 1), seed=k) for k, name in enumerate(maps)]
    parts = [
        normals()[..., : part.shape[-1]] if name.startswith("normal") else part
        for name, part in zip(maps, parts, strict=True)
    ]
    return np.concatenate(parts, axis=-1)


@pytest.mark.parametrize("maps", [ALL, PACKED, ("normal_xyz",), ("normal_xy", "roughness")])
def test_renders_are_those_of_float64(maps):
    given = material(maps)
    expected = float64_render(given, LIGHT, VIEW, maps)
    picture = run(lambda m: ks.ops.render_material(m, LIGHT, VIEW, maps), given)
    assert picture.shape[-1] == (3 if "color" in maps else 1)
    np.testing.assert_allclose(np.broadcast_to(picture, expected.shape), expected, atol=0.02)


def test_highlights_of_smooth_surfaces_have_their_digits():
    """Where 1 − cos² has none left in float32: roughness of the least, normals near the half vector."""
    tilt = np.linspace(-0.05, 0.05, 12)
    vectors = np.stack([tilt, 0 * tilt, np.sqrt(1 - tilt**2)], -1)[None, None]
    given = np.concatenate([127.5 * (vectors + 1), np.zeros((1, 1, 12, 1))], -1)
    maps, above = ("normal_xyz", "roughness"), [0.0, 0.0, 1.0]
    truth = float64_render(given, above, above, maps)[..., :1]
    assert np.ptp(truth) > 30
    picture = run(lambda m: ks.ops.render_material(m, above, above, maps), given.astype("float32"))
    np.testing.assert_allclose(picture, truth, atol=0.5)


def test_gradients_are_those_of_finite_differences():
    given = material(ALL)[:, :2, :3]
    slope = gradient(lambda m: ks.ops.render_material(m, LIGHT, VIEW, ALL), given)
    places = np.arange(given.size)
    expected = finite_differences(
        lambda m: float64_render(m, LIGHT, VIEW, ALL).sum(), given, 1e-3, places
    )
    assert np.abs(expected).min() < 0.1 < np.abs(expected).max()
    np.testing.assert_allclose(slope.ravel(), expected, rtol=2e-3, atol=2e-3)


def test_what_left_the_range_is_clipped_and_called_back():
    given = material(ALL)[:, :1, :2]
    given[0, 0, 0] = 300.0  # all the maps
    outside = run(lambda m: ks.ops.render_material(m, LIGHT, VIEW, ALL), given)
    within = run(lambda m: ks.ops.render_material(m, LIGHT, VIEW, ALL), np.minimum(given, 255.0))
    np.testing.assert_array_equal(outside, within)
    slope = gradient(lambda m: ks.ops.render_material(m, LIGHT, VIEW, ALL), given)
    assert np.all(np.isfinite(slope))
    assert slope[0, 0, 0, 0] > 0  # the colour


def hemisphere(cosines, angles):
    """Directions [1, cosines, angles, 3] above a flat surface, and the solid angle that each stands for."""
    cosine = (np.arange(cosines) + 0.5) / cosines
    angle = 2 * np.pi * (np.arange(angles) + 0.5) / angles
    sine = np.sqrt(1 - cosine**2)[:, None]
    x, y, z = np.broadcast_arrays(sine * np.cos(angle), sine * np.sin(angle), cosine[:, None])
    return np.stack([x, y, z], -1)[None].astype("float32"), 2 * np.pi / (cosines * angles)


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0])
def test_microfacets_cover_the_surface(alpha):
    """∫ D cos = 1 over the hemisphere."""
    half, solid_angle = hemisphere(20_000, 4)
    up = [[[[0.0, 0.0, 1.0]]]]
    values = run(lambda h: ggx_distribution(unit_vector(up), unit_vector(h), alpha), half)
    assert np.sum(values * half[..., 2:]) * solid_angle == pytest.approx(1.0, abs=1e-3)


def surface(roughness, metalness):
    maps = ("color", "roughness", "metalness", "occlusion")
    given = np.float32([[[[255, 255, 255, 255 * roughness, 255 * metalness, 0]]]])
    return decode_maps(given, maps, 255.0)


@pytest.mark.parametrize(("roughness", "least"), [(0.3, 0.97), (0.6, 0.8), (1.0, 0.3)])
def test_a_white_furnace_is_not_outshone(roughness, least):
    """A white metal and a white wall, under an even light: never more than comes in, and of a smooth one nearly all."""
    lights, solid_angle = hemisphere(200, 200)
    for view in ([0.0, 0.0, 1.0], [0.6, 0.0, 0.8]):
        for metalness in (0.0, 1.0):
            white = surface(roughness, metalness)
            radiance = run(
                lambda x, white=white, view=view: reflected_radiance(
                    white, unit_vector(x), unit_vector(view)
                ),
                lights,
            )
            # Under a light of irradiance π: that of the even light of radiance 1 is its solid angle.
            reflected = radiance[..., 0].sum() * solid_angle / np.pi
            assert least < reflected <= 1.001
            if roughness == metalness == view[2] == 1.0:  # ∫ cos/(1 + cos)
                assert reflected == pytest.approx(1 - np.log(2), abs=1e-3)


def test_light_and_viewer_may_change_places():
    a, b = (np.float32(x) / np.float32(np.linalg.norm(x)) for x in (LIGHT, [0.5, 0.5, 0.3]))
    a[2], b[2] = abs(a[2]), abs(b[2])
    there, back = (
        run(
            lambda x, y=y: reflected_radiance(surface(0.4, 0.5), unit_vector(x), unit_vector(y)), x
        )[0, 0, 0]
        / x[2]
        for x, y in ((a, b), (b, a))
    )
    np.testing.assert_allclose(there, back, rtol=1e-4)


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        (("albedo",), r"`maps` must be some of color, .* Received \('albedo',\)"),
        (("color", "color"), "each once"),
        (("normal_xy", "normal_xyz"), "one kind of normals"),
        ((), "must be some of"),
        (("color",), r"have 3 channels\. Received a material of shape \(1, 4, 4, 8\)"),
    ],
)
@pytest.mark.once
def test_bad_maps(maps, message):
    with pytest.raises(ValueError, match=message):
        ks.ops.render_material(np.zeros((1, 4, 4, 8)), LIGHT, VIEW, maps)
