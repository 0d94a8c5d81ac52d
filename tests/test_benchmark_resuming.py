"""The yardstick goes on where it was stopped, and measures anew what is stale."""

import dataclasses
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from photographs import photographs
from PIL import Image

import keras_sandwich as ks

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    return importlib.import_module("benchmarks.quality.rate_distortion")


def test_what_is_recorded_counts_until_it_is_stale(benchmark, tmp_path, monkeypatch):
    curves = importlib.import_module("benchmarks.quality.curves")
    system = curves.System("alone", "", ks.evaluation.CodecAlone, fingerprint="ab")
    codec = ks.codecs.JPEG(qstep=8)
    curve = curves.Curve("jpeg-flat/alone-444", "JPEG", system, codec, (8.0, 40.0))
    monkeypatch.setattr(benchmark, "every_curve", lambda models: [curve])
    benchmark._made.cache_clear()
    Image.fromarray(photographs(1, 176, 192)[0]).save(tmp_path / "one.png")
    measured = benchmark.measure(benchmark.Task(curve.name, tmp_path / "one.png", None))
    benchmark._made.cache_clear()
    file = tmp_path / "alone-444.json"
    assert benchmark.recorded(curve, file) is None
    ks.evaluation.save_results(measured, file, benchmark.DIGITS)
    found = benchmark.recorded(dataclasses.replace(curve, label="another label"), file)
    assert (found.name, found.pictures, found.fingerprint) == ("another label", ["one"], "ab")
    np.testing.assert_allclose(found.bpp, measured.bpp, rtol=1e-5)
    stale = {
        "system": dataclasses.replace(system, fingerprint="cd"),
        "codec": dataclasses.replace(codec, chroma_subsampling="4:2:0"),
        "strengths": (8.0, 41.0),
    }
    for name, value in stale.items():
        assert benchmark.recorded(dataclasses.replace(curve, **{name: value}), file) is None, name
    monkeypatch.setattr(benchmark, "METRICS", ("psnr-rgb",))
    assert benchmark.recorded(curve, file) is None


def test_every_preset_is_measured_around_every_codec_for_networks(benchmark):
    curves = importlib.import_module("benchmarks.quality.curves")
    names = [curve.name for curve in curves.every_curve()]
    assert len(set(names)) == len(names)
    for preset in ks.presets.names():
        if curves.preset_scenario(preset) == "other":  # for what photographs of 8 bits are not
            continue
        places = {name.split("/")[0] for name in names if f"/preset-{preset}-" in name}
        photographs = curves.preset_scenario(preset) != "other"
        assert places == ({"jpeg-flat", "webp", "avif", "heic"} if photographs else set()), preset
    assert "jpegli/alone-420" in names
    assert "jpegli/alone-400" not in names
    assert {f"jpeg-flat/alone-{kind}" for kind in ("400", "420", "422", "444")} <= set(names)
