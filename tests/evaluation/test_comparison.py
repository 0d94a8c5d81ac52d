"""Pictures at equal bits, against files that the test searches for one by one."""

import numpy as np
import pytest
from keras import ops
from photographs import decibels, photographs

import keras_sandwich as ks
from keras_sandwich.evaluation import CodecAlone, Comparison, Measure, compare_at
from keras_sandwich.models import create_linear_baseline

PICTURE = photographs(1, 64, 80)[0]
STEPS = ks.codecs.JPEG(qstep=1)
QUALITIES = ks.codecs.JPEG(quality=50, chroma_subsampling="4:2:0")


def sizes(codec, picture) -> list[int]:
    return [len(codec.with_strength(s).encode(picture)) for s in codec.strengths]


def test_files_are_the_nearest_and_no_baseline_has_fewer_bits():
    systems = {"ours": CodecAlone(), "theirs": CodecAlone()}
    codecs = {"ours": STEPS, "theirs": QUALITIES}
    ours, theirs = sizes(STEPS, PICTURE), sizes(QUALITIES, PICTURE)
    for rate in (0.8, 1.7, 4.0):
        versions = compare_at(systems, PICTURE, codecs, rate).versions
        best = max(size for size in ours if size <= rate * 64 * 80 / 8)
        assert versions["ours"][1] == 8 * best / (64 * 80)
        next_best = min(size for size in theirs if size >= best)
        assert versions["theirs"][1] == 8 * next_best / (64 * 80)
        strength = STEPS.strengths[ours.index(best)]
        codec = STEPS.with_strength(strength)
        np.testing.assert_array_equal(versions["ours"][0], codec.decode(codec.encode(PICTURE)))


def test_rates_that_no_file_has():
    systems = {"ours": CodecAlone(), "theirs": CodecAlone()}
    ours = sizes(STEPS, PICTURE)
    least, most = 8 * ours[-1] / (64 * 80), 8 * ours[0] / (64 * 80)
    for rate, expected in ((least, least), (1e3, most)):
        versions = compare_at(systems, PICTURE, STEPS, rate).versions
        assert {bpp for _, bpp in versions.values()} == {expected}
    with pytest.raises(ValueError, match=rf"at least {least:.3f} bits per pixel"):
        compare_at(systems, PICTURE, STEPS, 0.99 * least)


def test_a_system_that_cannot_spend_as_many_bits():
    class Coarse:
        name, strengths = "coarse", (60.0, 90.0)
        with_strength = STEPS.with_strength

    systems = {"ours": CodecAlone(), "theirs": CodecAlone()}
    largest = 8 * len(STEPS.with_strength(60).encode(PICTURE)) / (64 * 80)
    with pytest.warns(UserWarning, match=rf"'theirs' has at most {largest:.3f} bits per pixel"):
        versions = compare_at(systems, PICTURE, {"ours": STEPS, "theirs": Coarse()}, 4.0).versions
    assert versions["theirs"][1] == largest


@pytest.mark.parametrize("rate", [0.6, 1.2, 4.0])
def test_of_several_codecs_a_system_gets_the_best_that_has_its_bits(rate):
    choices = ks.codecs.every_subsampling(STEPS)
    systems = {"ours": CodecAlone(), "theirs": CodecAlone()}
    ours = 8 * max(s for s in sizes(choices[0], PICTURE) if s <= rate * 640) / 5120
    best = {"ours": choices[0], "theirs": choices}
    comparison = compare_at(systems, PICTURE, best, rate)
    assert comparison.versions["ours"][1] == ours
    alone = [compare_at(systems, PICTURE, {**best, "theirs": c}, rate) for c in choices]
    assert comparison.psnr("theirs") == max(one.psnr("theirs") for one in alone)
    assert len({one.psnr("theirs") for one in alone}) == 3
    # The first system too; a codec whose least file is above the rate is none to choose.
    first = compare_at({"ours": CodecAlone()}, PICTURE, choices, rate)
    assert first.versions["ours"][1] <= rate
    assert first.psnr("ours") == max(
        one.psnr("ours")
        for one in (compare_at({"ours": CodecAlone()}, PICTURE, choice, rate) for choice in choices)
    )
    least = [8 * sizes(choice, PICTURE)[-1] / 5120 for choice in choices]
    between = (least[2] + least[1]) / 2
    assert least[2] < between < least[1]
    assert compare_at({"a": CodecAlone()}, PICTURE, choices, between).versions["a"][1] <= between
    with pytest.raises(ValueError, match=rf"at least {least[2]:.3f} bits"):
        compare_at({"a": CodecAlone()}, PICTURE, choices, 0.9 * least[2])


def test_the_bottleneck_is_what_the_first_file_carries():
    chain = create_linear_baseline(bottleneck_channels=1)
    systems = {"carriers": chain, "luma": CodecAlone(luma_only=True)}
    comparison = compare_at(systems, PICTURE, STEPS, 1.0, name="a picture")
    bottleneck = ops.convert_to_numpy(chain.preprocess(PICTURE[None]))[0]
    bottleneck = np.clip(np.rint(bottleneck), 0, 255).astype("uint8")
    size = comparison.versions["carriers"][1] * 64 * 80 / 8
    codec = STEPS.with_strength(STEPS.strengths[sizes(STEPS, bottleneck).index(size)])
    decoded = codec.decode(codec.encode(bottleneck))
    np.testing.assert_array_equal(comparison.bottleneck, decoded)
    restored = ops.convert_to_numpy(chain.postprocess(decoded[None], (64, 80)))
    expected = decibels(PICTURE[None], restored)
    assert comparison.psnr("carriers") == pytest.approx(expected, abs=1e-3)
    assert comparison.name == "a picture"
    np.testing.assert_array_equal(comparison.original, PICTURE)


def test_deep_pictures_have_a_higher_peak():
    chain = create_linear_baseline(3, 3, num_truncate_bits=2)
    deep = PICTURE * 4.0 + 1
    comparison = compare_at({"truncated": chain}, deep, STEPS, 8.0)
    assert comparison.peak == 1020
    restored, _ = comparison.versions["truncated"]
    assert comparison.psnr("truncated") == pytest.approx(decibels(deep[None], restored[None], 1020))
    other = {"one": chain, "other": create_linear_baseline(3, 3, num_truncate_bits=1)}
    with pytest.raises(ValueError, match=r"one bit depth. Received \[1, 2\] bits above 8"):
        compare_at(other, deep, STEPS, 8.0)
    with pytest.raises(ValueError, match=r"Received \[0, 2\] bits above 8"):
        compare_at({"one": chain, "other": CodecAlone()}, deep, STEPS, 8.0)
    with pytest.raises(ValueError, match=r"in \[0, 255\].*Received values from .* to 965"):
        compare_at({"alone": CodecAlone()}, deep, STEPS, 8.0)


def test_what_cannot_be_compared():
    class Silent:
        name, strengths = "silent", ()

    with pytest.raises(ValueError, match=r"`strengths` to search\. Received 'silent'"):
        compare_at({"a": CodecAlone()}, PICTURE, Silent(), 1.0)
    with pytest.raises(ValueError, match="at least one codec"):
        compare_at({"a": CodecAlone()}, PICTURE, [], 1.0)
    with pytest.raises(ValueError, match=r"0 system\(s\)"):
        compare_at({}, PICTURE, STEPS, 1.0)
    with pytest.raises(ValueError, match=r"shape \(1, 64, 80, 3\)"):
        compare_at({"a": CodecAlone()}, PICTURE[None], STEPS, 1.0)
    with pytest.raises(ValueError, match="of one shape"):
        Comparison("c", PICTURE, {"a": (PICTURE[:32], 1.0)})


def test_another_metric_chooses_and_is_told():
    def green_error(target, restored, peak):
        return np.abs(target - restored)[..., 1].mean()

    error = Measure("green-error", green_error, higher_is_better=False)
    choices = ks.codecs.every_subsampling(STEPS)
    for metrics in ([error, "psnr-rgb"], ["psnr-rgb", error]):
        chosen = compare_at({"a": CodecAlone()}, PICTURE, choices, 2.0, metrics=metrics)
        values = {measure.name: v for measure, v in chosen.qualities("a").items()}
        assert list(values) == [getattr(metric, "name", metric) for metric in metrics]
        restored = chosen.versions["a"][0].astype("float64")
        expected = np.abs(PICTURE - restored)[..., 1].mean()
        assert values["green-error"] == pytest.approx(expected, rel=1e-6)
        assert values["psnr-rgb"] == chosen.psnr("a")
        each = [compare_at({"a": CodecAlone()}, PICTURE, c, 2.0, metrics=metrics) for c in choices]
        firsts = [next(iter(one.qualities("a").values())) for one in each]
        best = min(firsts) if metrics[0] is error else max(firsts)
        assert next(iter(chosen.qualities("a").values())) == best
        assert len(set(firsts)) == 3
    with pytest.raises(ValueError, match="at least 161×161"):
        Comparison("c", PICTURE, {"a": (PICTURE, 1.0)}, metrics=["ms-ssim-rgb"])
