"""Losses as measures, against float64, in curves, tables and files of results."""

import numpy as np
import pytest
from float64_lpips import float64_lpips, random_weights
from float64_shading import float64_render
from photographs import noise, photographs

import keras_sandwich as ks
from keras_sandwich.losses.shading_error import lights_and_views


def pair():
    target = photographs(1, 40, 48)[0].astype("float32")
    return target, np.clip(np.round(target + noise(40, 48, 3, low=-20, high=20)), 0, 255)


def test_any_loss():
    target, restored = pair()
    measure = ks.evaluation.loss_measure("mae", label="mean error", unit="levels")
    expected = np.abs(target - restored).mean()
    assert measure(target, restored, 255.0) == pytest.approx(expected, rel=1e-5)
    assert measure.title == "mean error in levels (lower is better)"
    deep = ks.losses.StructuralSimilarity(scale=1.0, image_max=1020.0)
    measure = ks.evaluation.loss_measure(deep)
    assert measure.name == "structural_similarity"
    similarity = ks.evaluation.quality.MEASURES["ssim-rgb"](target, restored, 255.0)
    value = measure(4 * target, 4 * restored, 1020.0)
    assert value == pytest.approx(1 - similarity, abs=1e-5)
    with pytest.raises(ValueError, match=r"image_max=1020\. Received pictures up to 255"):
        measure(target, restored, 255.0)


def test_lpips_of_pictures_of_any_peak(tmp_path):
    arrays = random_weights()
    np.savez(tmp_path / "lpips.npz", **arrays)
    measure = ks.evaluation.lpips(tmp_path / "lpips.npz")
    target, restored = pair()
    expected = float64_lpips(target[None], restored[None], arrays)[0]
    assert measure(target, restored, 255.0) == pytest.approx(expected, rel=1e-4)
    assert measure(4 * target, 4 * restored, 1020.0) == pytest.approx(expected, rel=1e-4)
    assert measure.axis == "LPIPS, lower is better"
    curve = ks.evaluation.rd_curve(
        ks.evaluation.CodecAlone(),
        target[None],
        ks.codecs.JPEG(qstep=1),
        (4, 60),
        [measure],
        verbose=0,
    )
    fine, coarse = curve.mean_quality("lpips-alexnet")
    assert 0 < fine < coarse
    ks.evaluation.save_results(curve, tmp_path / "curve.json")
    again = ks.evaluation.load_results(tmp_path / "curve.json")
    assert not again.measures["lpips-alexnet"].higher_is_better
    assert again.measures["lpips-alexnet"].label == "LPIPS"


def test_psnr_of_renders():
    maps = ("color", "normal_xy", "roughness", "metalness", "occlusion")
    target, restored = noise(1, 6, 7, 8), noise(1, 6, 7, 8, seed=1)
    errors = [
        float64_render(target, light, view, maps) - float64_render(restored, light, view, maps)
        for light, view in zip(*lights_and_views(3, 5), strict=True)
    ]
    expected = 10 * np.log10(255**2 / np.mean(np.square(errors)))
    measure = ks.evaluation.render_psnr(maps, renders=3, seed=5)
    assert measure(target[0], restored[0], 255.0) == pytest.approx(expected, abs=1e-3)
    assert measure(4 * target[0], 4 * restored[0], 1020.0) == pytest.approx(expected, abs=1e-3)
    assert measure.axis == "PSNR of renders (dB)"
    assert measure(target[0], target[0], 255.0) > 100
