"""The script that trains on a lent GPU, tried where there is none: it must work at the first call."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_sandwich as ks

ROOT = Path(__file__).resolve().parent.parent
CROPS = Path(ks.__file__).parent / "datasets" / "samples" / "train"


@pytest.mark.once
@pytest.mark.skipif(shutil.which("bash") is None, reason="a script of bash")
def test_it_trains_and_brings_back_a_preset(tmp_path):
    wanted = {"OUT": str(tmp_path), "PYTHON": sys.executable, "NETWORKS": "scenario", "BATCH": "1"}
    subprocess.run(
        ["bash", "benchmarks/on_gpu.sh", CROPS, "--steps", "3", "colour"],
        cwd=ROOT,
        env={**os.environ, **wanted},
        check=True,
        capture_output=True,
    )
    preset = tmp_path / "colour"
    parts = sorted(preset.glob("model.weights.h5.*"))
    (preset / "model.weights.h5").write_bytes(b"".join(part.read_bytes() for part in parts))
    trained = ks.models.CompressIntraModel.from_preset(preset)
    untrained = ks.models.create_color_codec_model(seed=0)
    untrained.build((None, None, None, 3))
    picture = ks.datasets.sample_images("test")[:1]
    outputs = [
        keras.ops.convert_to_numpy(model(picture)["prediction"]) for model in (trained, untrained)
    ]
    assert not np.allclose(*outputs, atol=1e-3)
    assert "Epoch 3/3" in (tmp_path / "colour.log").read_text()
