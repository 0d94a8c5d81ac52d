"""VMAF through a program: what it is handed, what is read from it, and what is said where it is none."""

import os
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from photographs import photographs

import keras_sandwich as ks

# As a program ffmpeg: its "VMAF" is 50 + the first picture's mean − half the second's; it also keeps the command.
PROGRAM = """
    import json, sys
    from pathlib import Path
    import numpy as np

    arguments = sys.argv[1:]
    if "-filters" in arguments:
        print(" .. scale  V->V  Scale.\\n .. libvmaf  VV->V  Calculate the VMAF.")
        sys.exit()
    Path({commands!r}).write_text(json.dumps(arguments))
    files = [arguments[k + 1] for k, word in enumerate(arguments) if word == "-i"]
    dtype = "<u2" if "rgb48le" in arguments else "u1"
    first, second = (np.fromfile(name, dtype).mean() for name in files)
    if first == 255:
        sys.exit("the first is too bright")
    pooled = {{"vmaf": {{"mean": 50 + first - second / 2}}}}
    Path("vmaf.json").write_text(json.dumps({{"pooled_metrics": pooled}}))
"""


def program(folder, source):
    path = folder / "ffmpeg"
    path.write_text(f"#!{sys.executable}\n{textwrap.dedent(source)}")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def ffmpeg(tmp_path):
    return program(tmp_path, PROGRAM.format(commands=str(tmp_path / "command.json")))


def test_the_program_is_handed_what_was_restored_and_the_target(tmp_path, ffmpeg):
    target, restored = np.full((32, 40, 3), 20.0), np.full((32, 40, 3), 30.0)
    for neg, name, label in ((False, "vmaf", "VMAF"), (True, "vmaf-neg", "VMAF-NEG")):
        measure = ks.evaluation.vmaf(ffmpeg, neg=neg)
        assert measure(target, restored, peak=255.0) == 50 + 30 - 10
        command = (tmp_path / "command.json").read_text()
        assert "-pixel_format" in command
        assert "40x32" in command
        assert f"version=vmaf_v0.6.1{'neg' if neg else ''}:" in command
        assert (measure.name, measure.label, measure.higher_is_better) == (name, label, True)
    # Of 10 bits, as of 16; a gray one three times.
    deep = ks.evaluation.vmaf(ffmpeg)(target[..., :1] * 0, restored[..., :1] * 0 + 1020, 1020.0)
    assert deep == 50 + 65535


def test_in_a_curve(ffmpeg):
    measure = ks.evaluation.vmaf(ffmpeg)
    curve = ks.evaluation.rd_curve(
        ks.evaluation.CodecAlone(),
        photographs(1, 32, 40),
        ks.codecs.JPEG(qstep=1),
        (4, 40),
        [measure],
        verbose=0,
    )
    mean = photographs(1, 32, 40).mean()
    np.testing.assert_allclose(curve.mean_quality("vmaf"), 50 + mean / 2, atol=1.0)
    with pytest.raises(ValueError, match="'vmaf' needs pictures of at least 32×32"):
        ks.evaluation.rd_curve(
            ks.evaluation.CodecAlone(),
            photographs(1, 24, 40),
            ks.codecs.JPEG(qstep=1),
            (4,),
            measure,
        )


def test_what_is_said_where_it_cannot_be_measured(tmp_path, ffmpeg):
    with pytest.raises(FileNotFoundError, match=r"needs the program ffmpeg, and 'no-such' is none"):
        ks.evaluation.vmaf("no-such")
    measure = ks.evaluation.vmaf(ffmpeg)
    white = np.full((32, 32, 3), 255.0)
    with pytest.raises(ValueError, match="could not measure VMAF: the first is too bright"):
        measure(white, white, 255.0)
    with pytest.raises(ValueError, match=r"1 or 3 channels\. Received 8"):
        measure(np.zeros((32, 32, 8)), np.zeros((32, 32, 8)), 255.0)
    other = program(tmp_path, 'print(" .. vmafmotion  V->V  Motion.")')
    with pytest.raises(ValueError, match=r"built with libvmaf. Received '.*ffmpeg', which has no"):
        ks.evaluation.vmaf(other)


def real():
    """An ffmpeg on this machine that has libvmaf, or None."""
    path = shutil.which(os.environ.get("KERAS_SANDWICH_FFMPEG", "ffmpeg"))
    if path is None:
        return None
    filters = subprocess.run([path, "-filters"], capture_output=True, text=True, check=False)
    return path if "libvmaf" in filters.stdout.split() else None


@pytest.mark.skipif(real() is None, reason="no ffmpeg with libvmaf")
def test_a_real_one_ranks_qualities():
    picture = photographs(1, 96, 128)[0]
    for neg in (False, True):
        measure = ks.evaluation.vmaf(real(), neg=neg)
        values = []
        for quality in (10, 50, 90):
            codec = ks.codecs.JPEG(quality=quality)
            values.append(measure(picture, codec.decode(codec.encode(picture)), 255.0))
        assert (np.diff(values) > 2).all()
        assert 95 < measure(picture, picture, 255.0) <= 100
