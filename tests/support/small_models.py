"""Sandwiches that are built and trained in no time."""

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
from autodiff import to_numpy

import keras_sandwich as ks


def sandwich(networks: bool = False, **options: Any) -> ks.models.CompressIntraModel:
    """The linear paths alone, or with two tiny U-Nets; the same weights whenever it is called."""
    defaults = {"bottleneck_channels": 1, "gamma": 100.0, "kernel_size": 3, "patch_size": 2}
    keras.utils.set_random_seed(0)
    model = ks.models.create_basic_model(
        **{**defaults, **options},
        use_unet_preprocessor=networks,
        use_unet_postprocessor=networks,
        encoder_filters=(3,),
        decoder_filters=(4, 3),
    )
    model.build((None, None, None, options.get("output_channels", 3)))
    generator = np.random.default_rng(0)
    for weight in model.trainable_weights:
        if weight.name in ("kernel", "bias"):
            weight.assign_add(generator.normal(0, 0.03, weight.shape).astype("float32"))
    return model


def full_sandwich(**options: Any) -> ks.models.CompressIntraModel:
    """A sandwich with everything in it."""
    loop_filter = ks.models.create_loop_filter_model((2,), (2, 2))
    loop_filter.build((None, None, None, 3))
    kernel = loop_filter.network.get_layer("unet").output_convolution.kernel
    kernel.assign(np.full(kernel.shape, 0.01))
    return sandwich(
        networks=True,
        bottleneck_channels=3,
        downsample_factor=2,
        convert_to_yuv=True,
        chroma_subsampling="4:2:0",
        loop_filter=loop_filter,
        **options,
    )


def weights_of(model: keras.Model) -> list[np.ndarray]:
    return [np.array(weight) for weight in model.get_weights()]


def run_on(backend: str, script: str, *arguments: str) -> str:
    """What a Python script prints in a process of its own, under a backend."""
    support = Path(__file__).parent
    path = os.pathsep.join(
        [str(support.parent.parent), str(support), os.environ.get("PYTHONPATH", "")]
    )
    outcome = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr[-3000:]
    return outcome.stdout


def loaded(path: Any) -> Any:
    """A model from its file; an error where its optimizer's state does not fit."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Skipping")
        return keras.saving.load_model(path)


def assert_equal(ours: Any, theirs: Any, atol: float = 0.0) -> None:
    """Two sequences of tensors, one by one."""
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(to_numpy(a), to_numpy(b), rtol=0, atol=atol)
