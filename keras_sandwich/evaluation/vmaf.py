"""VMAF, by an ffmpeg that has it."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from keras_sandwich.evaluation.quality import Measure

MODELS = {False: "vmaf_v0.6.1", True: "vmaf_v0.6.1neg"}


def vmaf(ffmpeg: str = "ffmpeg", neg: bool = False) -> Measure:
    """VMAF (Netflix) as a measure, by a program ffmpeg that was built with libvmaf.

    Of single pictures: the part of VMAF that is motion is 0, as in a still scene, so these are no numbers of videos.
    RGB is converted by ffmpeg, to BT.601 of limited range; of it VMAF sees the luma.

    Example:

    ```python
    import keras_sandwich as ks

    try:
        metrics = [ks.evaluation.vmaf(), ks.evaluation.vmaf(neg=True)]
    except (FileNotFoundError, ValueError):
        metrics = ["psnr-rgb"]  # no ffmpeg, or one without libvmaf
    ```

    Args:
        ffmpeg: the program's name or path. Many have libvmaf, which `ffmpeg -filters` shows, and the one that
            the Python package imageio-ffmpeg brings does.
        neg: VMAF-NEG, which does not reward sharpening and contrast ("no enhancement gain"). A network before the codec
            is best judged by both.

    Returns:
        A `Measure`, "vmaf" or "vmaf-neg": from 0 to 100, higher is better, pictures of 1 or 3 channels and any peak.

    Raises:
        FileNotFoundError: there is no such program.
        ValueError: it has no libvmaf, or when it is called, it failed, or pictures have other numbers of channels.
    """
    program = shutil.which(ffmpeg)
    if program is None:
        raise FileNotFoundError(
            f"VMAF needs the program ffmpeg, and {ffmpeg!r} is none. Install it, or name it: vmaf(ffmpeg=PATH)."
        )
    program = os.path.abspath(program)  # it runs elsewhere
    filters = _run([program, "-hide_banner", "-filters"])
    if "libvmaf" not in filters.stdout.split():
        raise ValueError(
            f"VMAF needs an ffmpeg that was built with libvmaf. Received {program!r}, which has no such filter; "
            "name another: vmaf(ffmpeg=PATH)."
        )

    def measured(target: np.ndarray, restored: np.ndarray, peak: float) -> float:
        return _vmaf(program, MODELS[neg], target, restored, peak)

    name, label = ("vmaf-neg", "VMAF-NEG") if neg else ("vmaf", "VMAF")
    return Measure(name, measured, label=label, decimals=1, least_side=LEAST_SIDE)


# Of smaller pictures its coarsest scale has nothing left.
LEAST_SIDE = 32


def _vmaf(program: str, model: str, target: np.ndarray, restored: np.ndarray, peak: float) -> float:
    if target.shape[-1] not in (1, 3):
        raise ValueError(
            f"VMAF is of pictures of 1 or 3 channels. Received {target.shape[-1]}; leave it out of `metrics`."
        )
    deep = peak != 255
    raw, planar = ("rgb48le", "yuv444p12le") if deep else ("rgb24", "yuv444p")
    height, width = target.shape[:2]
    given = ["-f", "rawvideo", "-pixel_format", raw, "-video_size", f"{width}x{height}"]
    graph = (
        f"[0:v]format={planar}[a];[1:v]format={planar}[b];"
        f"[a][b]libvmaf=model=version={model}:log_fmt=json:log_path=vmaf.json"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, picture in (("restored", restored), ("target", target)):
            samples = np.round(picture * ((65535 if deep else 255) / peak))
            samples = np.broadcast_to(samples, (height, width, 3))
            Path(folder, name).write_bytes(samples.astype("<u2" if deep else "u1").tobytes())
        inputs = [*given, "-i", "restored", *given, "-i", "target"]
        command = [program, "-hide_banner", "-loglevel", "error", "-nostdin", *inputs]
        done = _run([*command, "-lavfi", graph, "-f", "null", "-"], folder)
        log = Path(folder, "vmaf.json")
        if done.returncode or not log.exists():
            raise ValueError(f"ffmpeg could not measure VMAF: {done.stderr.strip()[-300:]}")
        return float(json.loads(log.read_text(encoding="utf-8"))["pooled_metrics"]["vmaf"]["mean"])


def _run(command: list[str], folder: str | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, errors="replace", check=False
    )
