"""Curves of clips: bits of streams, quality of frames."""

import numpy as np
import pytest
from clips import moving_clip

import keras_sandwich as ks
from keras_sandwich.codecs import JPEG, X264
from keras_sandwich.evaluation import (
    CodecAlone,
    join_pictures,
    load_results,
    rd_curve,
    save_results,
)

CLIPS = [
    moving_clip(3, frames=3, height=32, width=48),
    moving_clip(3, frames=2, height=34, width=40)[..., ::-1].copy(),
]
CODEC = X264(gop="ippp", chroma_subsampling="4:4:4")
pytestmark = pytest.mark.once


def measured(clips=CLIPS, system=None, **options):
    defaults = {"strengths": (16, 30), "metrics": ("psnr-rgb", "ssim-rgb"), "verbose": 0}
    return rd_curve(system or CodecAlone(), clips, CODEC, **{**defaults, **options})


def decibels(target, picture):
    return 10 * np.log10(255**2 / np.mean((target.astype("float64") - picture) ** 2))


def test_bits_of_the_stream_and_the_mean_of_frames():
    curve = measured({"one": CLIPS[0], "two": CLIPS[1]})
    assert curve.bits_counted == "packets and parameter sets, without the container"
    assert (curve.pictures, curve.sizes) == (["one", "two"], [(32, 48), (34, 40)])
    for row, qp in enumerate((16, 30)):
        codec = CODEC.with_strength(qp)
        for number, clip in enumerate(CLIPS):
            file = codec.encode(clip)
            frames = [decibels(a, b) for a, b in zip(clip, codec.decode(file), strict=True)]
            np.testing.assert_allclose(curve.per_frame["psnr-rgb"][number][row], frames)
            assert curve.psnr[row, number] == pytest.approx(np.mean(frames))
            pixels = clip[..., 0].size
            assert curve.bpp[row, number] == pytest.approx(codec.count_bits(file) / pixels)
    assert [values.shape for values in curve.per_frame["ssim-rgb"]] == [(2, 3), (2, 2)]
    assert curve.settings["gop"] == "ippp"


def test_through_the_networks():
    model = ks.models.create_linear_baseline()  # one for pictures
    curve = measured([CLIPS[0]], model, metrics="psnr-rgb")
    for row, qp in enumerate((16, 30)):
        sent = ks.transport(model, CLIPS[0][None], CODEC.with_strength(qp))
        restored = np.clip(np.round(sent["prediction"][0]), 0, 255)
        frames = [decibels(a, b) for a, b in zip(CLIPS[0], restored, strict=True)]
        np.testing.assert_allclose(curve.per_frame["psnr-rgb"][0][row], frames, rtol=1e-5)
        assert curve.bpp[row, 0] * CLIPS[0][..., 0].size == pytest.approx(sent["rate"][0])
    assert curve.codec == "grayscale H.264, ippp"


def test_what_is_kept_of_frames(tmp_path):
    one, two = (measured({name: clip}) for name, clip in zip("ab", CLIPS, strict=True))
    both = measured(dict(zip("ab", CLIPS, strict=True)))
    joined = join_pictures([one, two])
    save_results(joined, tmp_path / "curve.json")
    for curve in (joined, load_results(tmp_path / "curve.json"), both.of_pictures([0, 1])):
        for metric, clips in both.per_frame.items():
            for ours, expected in zip(curve.per_frame[metric], clips, strict=True):
                np.testing.assert_array_equal(ours, expected)
    assert np.array_equal(
        both.of_pictures([1]).per_frame["psnr-rgb"][0], two.per_frame["psnr-rgb"][0]
    )
    assert not ks.evaluation.pareto_frontier([both]).per_frame
    with pytest.raises(ValueError, match="whose means are the clip's"):
        ks.evaluation.RDCurve(
            "a", "b", [1], [[1.0]], {"psnr-rgb": [[30.0]]}, per_frame={"psnr-rgb": [[[29.0, 30.0]]]}
        )


def test_files_and_what_is_refused(tmp_path):
    file = tmp_path / "clip.mp4"
    file.write_bytes(CODEC.with_strength(10).encode(CLIPS[0]))
    curve = measured(file, strengths=None, metrics="psnr-rgb")
    assert curve.pictures == ["clip"]
    assert curve.strengths == [15, 20, 25, 29, 34, 39, 43]
    assert np.all(np.diff(curve.mean_bpp) < 0)
    with pytest.raises(
        ValueError, match=r"clips \[frames, height, width, channels\].* single clip"
    ):
        measured(CLIPS[0])
    with pytest.raises(ValueError, match="`effort` refines JPEG files"):
        measured(effort=1)
    with pytest.raises(ValueError, match=r"Expected pictures \[height, width, channels\]"):
        rd_curve(CodecAlone(), CLIPS, JPEG(), (8,), verbose=0)
