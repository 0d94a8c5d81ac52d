"""The proxy of a video codec against its formulas in float64, and against the numbers of real motion.

The golden files (test_golden.py) hold it to the published implementation, with a flow.
"""

import float64_codec
import keras
import numpy as np
import pytest
from autodiff import BACKEND, differentiate, run, to_numpy
from float64_motion import searched, warped, written
from keras import ops
from photographs import photographs

import keras_sandwich as ks

SIZE = (24, 41)


def moving_clips(frames=3, channels=1, size=SIZE):
    """Crops of photographs that move by a few quarters of a pixel a frame; the last frame is another picture."""
    large = photographs(3, size[0] + 16, size[1] + 16).astype("float32")[..., :channels]
    clips = []
    for number in range(2):
        places = [np.array([4.0, 4.0]) + t * np.array([1.25, -0.75]) for t in range(frames)]
        flows = [np.broadcast_to(p, (1, *large.shape[1:3], 2)) for p in places]
        moved = [run(ks.ops.warp, large[number : number + 1], f.astype("float32")) for f in flows]
        clips.append(np.stack([m[0, : size[0], : size[1]] for m in moved]))
    clips = np.rint(np.stack(clips))
    clips[1, -1] = large[2, : size[0], : size[1]]
    return clips.astype("float32")


def coarse(pictures):
    """One value for each 8×8 block: bicubic ÷8 with antialias, nearest ×8."""
    _, height, width, _ = pictures.shape
    margins = ((0, 0), (0, -height % 8), (0, -width % 8), (0, 0))
    padded = np.pad(pictures, margins, mode="symmetric")
    for axis in (1, 2):
        padded = float64_codec.resample(padded, axis, padded.shape[axis] // 8, "bicubic")
        padded = np.repeat(padded, 8, axis)
    return padded[:, :height, :width]


def coded(pictures, step, **options):
    return float64_codec.code(np.rint(pictures), step, clip_to_image_max=False, **options)


def video(clips, steps, depth=8, flow=None, **options):
    """A clip after the other: what the layer returns, and the indices and displacements behind its bits."""
    largest, middle = 2.0**depth - 1, 2.0 ** (depth - 1)
    clips = np.asarray(clips, "float64")
    size, errors = clips.shape[2:4], [clips[:, 0]]
    first = coded(np.clip(clips[:, 0], 0, largest), steps[0], **options)
    frames, compressed, indices, motion = [first.decoded], [first.decoded], [], 0
    for t in range(1, clips.shape[1]):
        frame, before = np.clip(clips[:, t], 0, largest), frames[-1]
        intra = coarse(coded(frame, steps[0], **options).decoded)
        if flow is None:
            price = 0.85 * 2 ** (-8 / 3) * steps[1] ** 2
            vectors = np.stack(
                [
                    searched(np.float32(a), np.float32(b), 16, 3, 4, price)
                    for a, b in zip(frame, before, strict=True)
                ]
            )
            own_flow = np.repeat(np.repeat(vectors, 16, axis=1), 16, axis=2)[
                :, : size[0], : size[1]
            ]
        else:
            own_flow = flow[:, t - 1]
        moved = warped(before, own_flow)
        prediction, inter = moved.copy(), np.zeros((2, -(-size[0] // 8), -(-size[1] // 8)), bool)
        for b, y, x in np.ndindex(inter.shape):
            block = (b, slice(8 * y, 8 * y + 8), slice(8 * x, 8 * x + 8))
            errors_of = [np.sum((frame[block] - p[block]) ** 2) for p in (moved, intra)]
            inter[b, y, x] = errors_of[0] <= errors_of[1]
            if not inter[b, y, x]:
                prediction[block] = intra[block]
        if flow is None:
            used = np.array(
                [
                    [
                        [i[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].any() for x in range(v.shape[1])]
                        for y in range(v.shape[0])
                    ]
                    for i, v in zip(inter, vectors, strict=True)
                ]
            )
            units = np.rint(4 * vectors).astype(int)
            motion = motion + np.array(
                [len(written(u, c)) for u, c in zip(units, used, strict=True)]
            )
        error = frame - prediction + middle
        result = coded(error, steps[1], **options)
        errors.append(error)
        compressed.append(result.decoded)
        frames.append(result.decoded - middle + prediction)
        indices.append(result.indices)
    stacked = (np.stack(list_, axis=1) for list_ in (frames, errors, compressed))
    names = ("recons_bottleneck", "errors", "compressed_errors")
    return dict(zip(names, stacked, strict=True)), [first.indices, *indices], motion


def assert_near(outputs, expected, atol=5e-2):
    for name, clips in expected.items():
        wrong = np.abs(outputs[name] - clips) > atol
        assert np.mean(wrong) <= 0.002, name


def scan_bits(indices, size):
    components = [component.astype("float32") for component in indices]
    counts = [ks.ops.jpeg_scan_bits([c], size, huffman="entropy") for c in components]
    return sum(to_numpy(count) for count in counts)


def test_blocks_that_move_against_float64():
    clips = moving_clips()
    codec = ks.layers.VideoCodecProxy(9.03, 14.02, search_radius=3)
    outputs = run(codec, clips)
    expected, indices, motion = video(clips, (10.03, 15.02))
    assert_near(outputs, expected)
    assert np.array_equal(outputs["motion_bits"], motion)
    bits = sum(scan_bits(of_frame, SIZE) for of_frame in indices)
    np.testing.assert_allclose(outputs["rate"], bits + motion, rtol=1e-2)
    assert np.array_equal(outputs["bottleneck"], clips)
    # What moves costs a fraction of what is new, and motion some of that.
    first, other = (scan_bits(indices[t], SIZE) for t in (0, 1))
    assert np.all(other < 0.5 * first)
    assert np.all(motion > 2 * 6 * 2)


def test_depths_of_their_own_and_colour_with_half_the_chroma():
    clips = moving_clips(frames=2, channels=3, size=(16, 32))
    clips[1] *= 16.0
    clips[:, :, :4, :4] *= 1.2  # leaves the range
    clips[:, :, 8:12, :4] -= 200.0
    flow = np.random.default_rng(0).uniform(-2, 2, (2, 1, 16, 32, 2)).astype("float32")
    codec = ks.layers.VideoCodecProxy(
        21.03, 21.03, chroma_subsampling="4:2:0", rate_model="gaussian"
    )
    depths = np.array([[8], [12]])
    outputs = run(lambda c, f: codec(c, f, bit_depth=depths), clips, flow)
    for number, depth in enumerate((8, 12)):
        one = slice(number, number + 1)
        pair = np.concatenate([clips[one]] * 2), np.concatenate([flow[one]] * 2)
        expected, indices, _ = video(
            pair[0], (22.03, 22.03), depth, pair[1], chroma_subsampling="4:2:0"
        )
        assert_near(
            {n: v[one] for n, v in outputs.items()}, {n: v[:1] for n, v in expected.items()}
        )
        rates = [
            to_numpy(ks.layers.GaussianRate()(i, i, qstep=22.03))[0]
            for i in ([np.float32(c) for c in of_frame] for of_frame in indices)
        ]
        np.testing.assert_allclose(outputs["rate"][number], sum(rates), rtol=2e-3)
        clipped = np.clip(clips[number, 1], 0, 2**depth - 1)
        assert np.array_equal(outputs["bottleneck"][number, 0], clips[number, 0])
        assert np.array_equal(outputs["bottleneck"][number, 1], clipped)
    assert not outputs["motion_bits"].any()


def test_a_step_for_each_clip():
    clips = moving_clips(size=(16, 24))
    flow = np.random.default_rng(0).uniform(-2, 2, (2, 2, 16, 24, 2)).astype("float32")
    codec = ks.layers.VideoCodecProxy(train_qstep=False, min_qstep=0.0, rate_model="gaussian")
    q = np.float32([5.03, 31.02])
    outputs = run(lambda c, f: codec(c, f, qstep=q), clips, flow)
    for number in range(2):
        one = slice(number, number + 1)
        expected, _, _ = video(clips, (q[number], q[number]), flow=flow)
        assert_near(
            {n: v[one] for n, v in outputs.items()}, {n: v[one] for n, v in expected.items()}
        )


class Brighter(keras.layers.Layer):
    """A loop filter that is easy to follow."""

    def build(self, input_shape):
        self.level = self.add_weight(shape=(), initializer="ones", name="level")

    def call(self, pictures):
        return pictures + 3.0 * self.level


def test_the_loop_filter_also_filters_what_predicts():
    clips = np.full((1, 3, 16, 16, 1), 100.0, "float32")
    still = np.zeros((1, 2, 16, 16, 2), "float32")
    codec = ks.layers.VideoCodecProxy(7.0, 39.0, loop_filter=Brighter())
    outputs = run(codec, clips, still)
    decoded = outputs["recons_bottleneck"][0, :, 5, 5, 0]
    errors = outputs["errors"][0, :, 5, 5, 0]
    # Predicted by 103 or by 100 ± the step's rounding: what is nearer.
    assert decoded[0] == pytest.approx(103, abs=0.51)
    choice = min(decoded[0], 100.0, key=lambda level: abs(100 - level))
    assert errors[1] == pytest.approx(128 + 100 - choice, abs=1e-3)
    assert len(codec.trainable_variables) == 2  # the steps
    assert codec.loop_filter.trainable is False


def test_gradients_reach_the_first_frame_and_the_steps():
    """By the prediction's own chain: of a still clip, the last frame is the first one's copy, coded once."""
    still = np.zeros((1, 2, 16, 16, 2), "float32")
    clips = np.repeat(photographs(1, 16, 16)[:, None, ..., :1].astype("float32"), 3, axis=1)
    codec = ks.layers.VideoCodecProxy(19.03, 19.03, rate_model="gaussian")
    codec.build(clips.shape)

    def last(clips):
        outputs = codec(clips, still)
        return ops.sum(outputs["recons_bottleneck"][:, -1]), outputs

    outputs, (by_clips,), (by_intra, by_inter) = differentiate(
        last, [clips], [codec.intra.qstep, codec.inter.qstep]
    )
    # Straight through, R = P + (B − P): the frame itself, whatever predicted it.
    np.testing.assert_allclose(by_clips[:, -1], 1.0, atol=1e-4)
    np.testing.assert_allclose(by_clips[:, :-1], 0.0, atol=1e-4)

    def slope(name, step):
        """Of the sum over a frame: what rounding added, per step (the residual of the inverse DCT)."""
        pictures = np.rint(outputs[name][0, -1 if name == "errors" else 0])[None].astype("float64")
        exact = float64_codec.code(pictures, step, clip_to_image_max=False)
        return np.sum(exact.decoded - pictures) / step

    np.testing.assert_allclose(by_inter, slope("errors", 20.03), rtol=1e-2, atol=0.3)
    assert abs(by_intra) < 1e-3


@pytest.mark.skipif(
    BACKEND != "tensorflow",
    reason="JAX compiles the clips of the other tests; torch.compile takes minutes for one",
)
def test_one_program_is_the_same():
    clips = moving_clips(frames=2, size=(16, 24))
    codec = ks.layers.VideoCodecProxy(
        12.02, 12.02, rate_model="gaussian", search_radius=2, precision=2
    )
    codec.build(clips.shape)

    def loss(x):
        outputs = codec(x)
        error = ops.sum(ops.square(outputs["recons_bottleneck"] - 100)) / 1000
        return error + ops.sum(outputs["rate"]), outputs

    weights = [codec.intra.qstep, codec.inter.qstep]
    together, eager = (differentiate(loss, [clips], weights, compile=how) for how in (True, False))
    for actual, expected in zip(*map(keras.tree.flatten, (together, eager)), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=2e-3, atol=2e-2)


def test_clips_of_one_frame_are_pictures():
    clips = moving_clips(frames=1)
    codec = ks.layers.VideoCodecProxy(9.03, 14.02)
    outputs = run(codec, clips)
    picture = ks.layers.EncodeDecodeIntra(9.03, clip_to_image_max=False)
    decoded, rate = run(picture, clips[:, 0])
    np.testing.assert_allclose(outputs["recons_bottleneck"][:, 0], decoded, atol=1e-3)
    np.testing.assert_allclose(outputs["rate"], rate, rtol=1e-5)


def test_saved_and_read_again(tmp_path):
    clips = moving_clips(frames=2, size=(16, 24))
    options = {
        "qstep_intra": 4.0,
        "qstep_inter": 6.0,
        "min_qstep": 0.5,
        "rate_model": ks.layers.GaussianRate(name="mine"),
        "rounding": "uniform_noise",
        "seed": 5,
        "loop_filter": ks.models.LoopFilter(ks.models.UNet(1, (4,), (4, 4))),
        "block_size": 8,
        "search_radius": 2,
        "precision": 2,
    }
    inputs = keras.Input((2, None, None, 1))
    codec = ks.layers.VideoCodecProxy(**options, name="codec")
    model = keras.Model(inputs, codec(inputs))
    codec.inter.qstep.assign(11.3)
    kernel = codec.loop_filter.network.output_convolution.kernel
    kernel.assign(0.1 + 0.0 * kernel)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    found = again.get_layer("codec")
    assert found.inter.rate_model.name == found.intra.rate_model.name == "mine"
    plain = [name for name in options if name not in ("rate_model", "loop_filter")]
    assert {name: found.get_config()[name] for name in plain} == {n: options[n] for n in plain}
    expected, outputs = to_numpy(model(clips)), to_numpy(again(clips))
    for name, values in expected.items():
        np.testing.assert_allclose(outputs[name], values, rtol=1e-5, atol=1e-3, err_msg=name)


def test_everything_is_float32_under_a_mixed_policy():
    clips, flow = moving_clips(frames=2, size=(16, 24)), np.ones((2, 1, 16, 24, 2), "float32") / 3
    options = {"qstep_intra": 9.03, "qstep_inter": 14.02, "rate_model": "gaussian"}
    expected = run(ks.layers.VideoCodecProxy(**options), clips, flow)
    keras.config.set_dtype_policy("mixed_bfloat16")
    for name, values in run(ks.layers.VideoCodecProxy(**options), clips, flow).items():
        assert values.dtype == np.float32
        assert np.array_equal(values, expected[name]), name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"block_size": 12}, "`block_size` must be a multiple of 8.*block_size=12"),
        ({"search_radius": 0}, "`search_radius` must be a positive integer"),
        ({"precision": 8}, "`precision` must be one of 1, 2, 4"),
        ({"qstep_inter": 0.0}, "`qstep_init` must be positive and finite"),
        ({"rate_model": "cabac"}, "`rate_model` must be 'jpeg', 'gaussian'"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        ks.layers.VideoCodecProxy(**options)


def test_bad_calls():
    clips = np.zeros((1, 2, 8, 8, 1), "float32")
    codec = ks.layers.VideoCodecProxy()
    with pytest.raises(ValueError, match=r"Expected clips .*Received shape \(2, 8, 8, 1\)"):
        codec(clips[0])
    with pytest.raises(ValueError, match=r"`flow` must be \[batch, 1, height.*\(1, 2, 8, 8, 2\)"):
        codec(clips, np.zeros((1, 2, 8, 8, 2)))
    with pytest.raises(ValueError, match="`bit_depth` must be made of whole numbers from 8 to 16"):
        codec(clips, bit_depth=7)
    with pytest.raises(ValueError, match="`qstep` was given, but this layer trains its own"):
        codec(clips, qstep=3.0)
    with pytest.raises(ValueError, match="known number of frames"):
        codec(keras.Input((None, 8, 8, 1)))
