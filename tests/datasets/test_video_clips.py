import keras
import numpy as np
import pytest
from clips import moving_clip
from dataset_truth import Recorder, lanczos3
from float64_motion import warped
from keras import ops
from photographs import photographs

from keras_sandwich.callbacks import SynchronizeEpoch
from keras_sandwich.codecs import X264
from keras_sandwich.datasets import dense_flow, load_video, video_clips
from keras_sandwich.datasets.video_clips import turned, turned_flow

PICTURE = photographs(1, 96, 112)[0]


def panning(frames=9, height=48, width=64):
    """A window on a photograph that moves by (1, 2) pixels a frame."""
    return np.stack([PICTURE[t : t + height, 2 * t : 2 * t + width] for t in range(frames)])


def plain(videos, **arguments):
    """A dataset without anything random, unless asked for."""
    defaults = {"frames": 3, "crop_size": 32, "batch_size": 2, "shuffle": False}
    return video_clips(videos, **{**defaults, "random_crop": False, "augment": False, **arguments})


@pytest.mark.once
def test_every_frame_is_taken_once():
    video = panning()
    dataset = plain([video], batch_size=3)
    assert len(dataset) == 1
    batch = dataset[0]
    assert batch.dtype == np.float32
    assert np.array_equal(batch.reshape(9, 32, 32, 3), video[:, 8:40, 16:48])
    assert dataset.names == [f"videos[0], frame {start}" for start in (0, 3, 6)]
    strided = plain([video], stride=2)[0]  # frames 0, 2, 4; too few are left
    assert np.array_equal(strided, video[None, 0:6:2, 8:40, 16:48])


@pytest.mark.once
def test_crops_are_places_of_the_clip_all_frames_alike():
    video = panning(3)
    dataset = plain([video], random_crop=True, steps_per_epoch=6, batch_size=1, seed=3)
    corners = set()
    for index in range(6):
        clip = dataset[index][0]
        windows = np.lib.stride_tricks.sliding_window_view(video, (32, 32), axis=(1, 2))
        same = (np.moveaxis(windows, 3, -1) == clip[:, None, None]).all(axis=(0, 3, 4, 5))
        ((top, left),) = np.argwhere(same)
        corners.add((top, left))
    assert len(corners) > 3


@pytest.mark.once
def test_flow_moves_the_crop_whatever_its_symmetry():
    """The flow of a turned clip is that which explains the turned clip."""
    pytest.importorskip("cv2")
    video = panning(2, 64, 64)
    dataset = video_clips(
        [video], frames=2, crop_size=48, batch_size=1, steps_per_epoch=12, flow="dis", seed=1
    )
    seen = set()
    for index in range(12):
        batch = dataset[index]
        assert batch["image"].shape == (1, 2, 48, 48, 3)
        assert batch["flow"].shape == (1, 1, 48, 48, 2)
        before, now = batch["image"][0]
        moved = warped(before[None], batch["flow"][0])[0]
        inside = slice(6, -6), slice(6, -6)
        assert np.abs(moved - now)[inside].mean() < 0.3 * np.abs(before - now)[inside].mean()
        seen.add(tuple(np.rint(np.median(batch["flow"], axis=(0, 1, 2, 3))).astype(int)))
    assert len(seen) >= 5
    assert seen <= {(a * x, b * y) for x, y in ((1, 2), (2, 1)) for a in (1, -1) for b in (1, -1)}


@pytest.mark.once
def test_symmetries_of_a_field():
    """A field of positions, turned, is the field of the turned positions."""
    rows, columns = np.mgrid[:4, :4] - 1.5
    field = np.stack([rows, columns], axis=-1)[None]
    pictures = [turned(np.arange(16).reshape(1, 4, 4, 1), s).tobytes() for s in range(8)]
    assert len(set(pictures)) == 8
    for symmetry in range(8):
        np.testing.assert_array_equal(turned_flow(field, symmetry), field)


@pytest.mark.once
def test_reduction_of_pixels_and_of_motion():
    pytest.importorskip("cv2")
    video = panning(2, 64, 64)
    batch = plain([video], frames=2, crop_size=32, reduction=2, batch_size=1, flow="dis")[0]
    expected = np.moveaxis(lanczos3(np.moveaxis(lanczos3(video[0], 2), 0, 1), 2), 0, 1)
    inside = slice(4, -4), slice(4, -4)
    assert np.abs(batch["image"][0, 0] - expected)[inside].max() < 1.0
    flow = dense_flow(video)[0].reshape(32, 2, 32, 2, 2).mean(axis=(1, 3)) / 2
    np.testing.assert_allclose(batch["flow"][0, 0], flow, atol=2e-3)


@pytest.mark.once
@pytest.mark.parametrize("flow", [None, "dis"])
def test_files_with_and_without_the_cache_and_with_workers(tmp_path, flow):
    if flow:
        pytest.importorskip("cv2")
    clip = moving_clip(3, frames=7, height=48, width=64)
    file = tmp_path / "clip.mp4"
    file.write_bytes(X264(qp=18).encode(clip))
    options = {"frames": 3, "crop_size": 32, "batch_size": 2, "seed": 5, "flow": flow}
    cached, anew = (video_clips(tmp_path, cache=cache, **options) for cache in (True, False))
    decoded = load_video(file)
    assert np.array_equal(anew.read(1).frames, decoded[3:6])
    for epoch in range(2):
        keras.tree.map_structure(
            np.testing.assert_array_equal, cached.batch(0, epoch), anew.batch(0, epoch)
        )
    file.unlink()
    assert len(cached) == 1
    gone = pytest.warns(UserWarning, match="can no longer be read")
    with pytest.raises(OSError, match="None of the 2 pictures"), gone:
        anew[0]


def test_fit_sees_the_batches_in_their_order():
    class Clips(Recorder):
        def call(self, inputs):
            return ops.zeros_like(inputs["image"]) + self.level

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            self.seen.append([np.array(ops.convert_to_numpy(x[n])) for n in ("image", "flow")])
            return ops.mean(ops.square(y_pred - x["image"]))

    pytest.importorskip("cv2")
    options = {"frames": 2, "crop_size": 24, "batch_size": 2, "steps_per_epoch": 5, "flow": "dis"}
    dataset = video_clips([panning()], workers=2, **options)
    model = Clips.compiled()
    model.fit(dataset, epochs=2, verbose=0, callbacks=[SynchronizeEpoch(dataset)])
    other = video_clips([panning()], workers=0, **options)
    expected = [other.batch(index, epoch) for epoch in range(2) for index in range(5)]
    for seen, batch in zip(model.seen[-10:], expected, strict=True):
        for ours, theirs in zip(seen, (batch["image"], batch["flow"]), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.once
def test_what_cannot_be_used_is_named(tmp_path):
    (tmp_path / "text.mp4").write_text("not a video")
    (tmp_path / "short.mp4").write_bytes(X264().encode(moving_clip(3, frames=2)))
    (tmp_path / "small.mp4").write_bytes(X264().encode(moving_clip(3, height=16, width=16)))
    with pytest.raises(ValueError, match=r"None of the videos.* of at least 3 frames of 32×32"):
        plain(tmp_path)
    (tmp_path / "good.mp4").write_bytes(X264().encode(moving_clip(3)))
    with pytest.warns(UserWarning, match=r"left out.*short.mp4 .*small.mp4 \(16×16.*text.mp4 "):
        dataset = plain(tmp_path)
    assert [name.endswith("good.mp4, frame 0") for name in dataset.names] == [True]
    with pytest.raises(ValueError, match=r"uint8 \[frames, height, width, 3\]"):
        plain([panning().astype("float32")])
    with pytest.raises(ValueError, match="`flow` must be one of"):
        plain([panning()], flow="farneback")
    with pytest.raises(ValueError, match="`stride` must be a positive integer"):
        plain([panning()], stride=0)
