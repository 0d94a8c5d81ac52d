"""What is read from a curve, against closed forms."""

import math

import numpy as np
import pytest

from keras_sandwich.evaluation import Measure, RDCurve, rd_table
from keras_sandwich.evaluation.curve import require_same_pictures


def curve_of(bpp, psnr, name="curve") -> RDCurve:
    """A curve of one picture."""
    return RDCurve(name, "none", range(len(bpp)), *columns(bpp, psnr))


def columns(bpp, psnr):
    return np.array(bpp)[:, None], {"psnr-rgb": np.array(psnr)[:, None]}


def test_quality_is_linear_in_the_logarithm_of_the_rate():
    curve = curve_of([2.0, 0.5, 1.0], [40.0, 20.0, 26.0])  # in no order
    assert curve.psnr_at(0.5) == 20.0
    assert curve.psnr_at(1.0) == pytest.approx(26.0)
    assert curve.psnr_at(2.0) == 40.0
    assert curve.psnr_at(math.sqrt(2.0)) == pytest.approx(33.0)  # half way in log rate
    assert curve.psnr_at(0.5 * 2**0.25) == pytest.approx(20.0 + 0.25 * 6.0)


@pytest.mark.parametrize("rate", [0.49, 2.01, 0.0, -1.0, float("nan")])
def test_rates_beyond_the_curve(rate):
    with pytest.raises(ValueError, match=r"0\.500 to 2\.000"):
        curve_of([2.0, 0.5], [40.0, 20.0]).psnr_at(rate)


def test_strength_nearest_to_a_rate():
    curve = RDCurve("c", "c", [4.0, 8.0, 16.0], np.array([[4.0, 2.0], [1.0, 0.9], [0.3, 0.1]]), {})
    assert curve.strength_at(2.9) == 4.0  # mean rates 3, 0.95, 0.2
    assert curve.strength_at(0.5) == 8.0  # by ratio
    assert curve.strength_at(2.9, picture=0) == 4.0
    assert curve.strength_at(0.25, picture=1) == 16.0
    assert curve.strength_at(0.4, picture=1) == 8.0


def test_table():
    ours, theirs = (
        curve_of([2.0, 0.5], [40.0, 20.0], "ours"),
        curve_of([2.0, 0.75], [35.5, 20.0], "the others"),
    )
    table = [line.split() for line in rd_table([ours, theirs], (0.5, 1.0, 2.0)).splitlines()]
    assert table[0] == ["PSNR", "in", "dB", "at", "0.5", "bpp", "1", "bpp", "2", "bpp"]
    assert table[1] == ["ours", "20.00", "30.00", "40.00"]
    at_one = 20 + 15.5 * math.log(1 / 0.75) / math.log(2 / 0.75)
    assert table[2] == [
        *("the", "others", "–"),
        *(f"{at_one:.2f}", f"({30 - at_one:+.2f})"),
        *("35.50", "(+4.50)"),
    ]


def test_the_table_of_another_metric():
    bpp = np.array([[1.0], [0.5]])
    curves = [
        RDCurve(name, "none", [1, 2], bpp, {"ms-ssim-rgb": np.array([[high], [0.9]])})
        for name, high in (("ours", 0.98765), ("theirs", 0.95))
    ]
    table = rd_table(curves, [1.0], metric="ms-ssim-rgb").splitlines()
    assert table[0].split() == ["MS-SSIM", "at", "1", "bpp"]
    assert table[1].split() == ["ours", "0.9877"]
    assert table[2].split() == ["theirs", "0.9500", "(+0.0377)"]
    with pytest.raises(ValueError, match=r"'ours' holds \['ms-ssim-rgb'\]. Received metric='psnr"):
        rd_table(curves, [1.0])


def test_decibels_are_of_each_picture():
    quality = {"psnr-rgb": [[30.0, 34.0]], "ssim-rgb": [[0.9, 0.999]], "ms-ssim-rgb": [[1.0, 0.5]]}
    curve = RDCurve("c", "c", [1], [[1.0, 2.0]], quality)
    np.testing.assert_array_equal(curve.scaled_quality(), [[30.0, 34.0]])
    np.testing.assert_allclose(curve.scaled_quality("ssim-rgb"), [[10.0, 30.0]])
    np.testing.assert_allclose(curve.scaled_quality("ms-ssim-rgb"), [[60.0, 10 * math.log10(2)]])
    assert curve.mean_quality("ssim-rgb") == pytest.approx(0.9495)
    assert curve.mean_psnr == curve.psnr.mean() == 32.0
    assert curve.quality_at(1.5, "ssim-rgb") == pytest.approx(0.9495)


def test_pictures_are_drawn_with_all_their_values():
    curve = RDCurve(
        "c",
        "c",
        [1],
        [[1.0, 2.0, 3.0]],
        {"psnr-rgb": [[10.0, 20.0, 30.0]], "ssim-rgb": [[0.1, 0.2, 0.3]]},
        pictures=["a", "b", "c"],
        sizes=[(1, 1), (2, 2), (3, 3)],
        sources=["somewhere"],
    )
    drawn = curve.of_pictures([2, 0, 2, 2])
    assert drawn.bpp.tolist() == [[3.0, 1.0, 3.0, 3.0]]
    assert drawn.psnr.tolist() == [[30.0, 10.0, 30.0, 30.0]]
    assert drawn.quality["ssim-rgb"].tolist() == [[0.3, 0.1, 0.3, 0.3]]
    assert drawn.pictures == ["c", "a", "c", "c"]
    assert drawn.sizes == [(3, 3), (1, 1), (3, 3), (3, 3)]
    assert drawn.sources == ["somewhere"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"strengths": [1, 2, 3]}, "`strengths` of length 2.*Received 3"),
        ({"strengths": []}, "`strengths` of length 2.*Received 0"),
        ({"pictures": ["only one"]}, "`pictures` of length 3"),
        ({"sizes": [(1, 1)]}, "`sizes` of length 3"),
        ({"sources": ["a"] * 3}, "`sources` of length 2"),
        ({"quality": {"psnr-rgb": np.ones((3, 2))}}, "one shape"),
        ({"bpp": np.ones(3)}, "one shape"),
        ({"bpp": np.zeros((2, 3))}, "rates of 0 or less"),
        ({"quality": {"psnr-rgb": np.full((2, 3), np.nan)}}, r"\['psnr-rgb'\] that are not finite"),
    ],
)
def test_what_does_not_fit_together(changed, message):
    right = {
        "name": "c",
        "codec": "c",
        "strengths": [1, 2],
        "bpp": np.ones((2, 3)),
        "quality": {"psnr-rgb": np.ones((2, 3))},
    }
    RDCurve(**right)
    with pytest.raises(ValueError, match=message):
        RDCurve(**(right | changed))


def test_the_same_pictures():
    def curve(number, **known):
        return RDCurve("c", "c", [1], np.ones((1, number)), {}, **known)

    require_same_pictures([curve(2), curve(2, pictures=["a", "b"]), curve(2, sizes=[(1, 2)] * 2)])
    with pytest.raises(ValueError, match=r"'c' of 2 picture\(s\), 'c' of 3 picture\(s\)\."):
        require_same_pictures([curve(2), curve(3)])
    with pytest.raises(ValueError, match="names or sizes differ"):
        require_same_pictures([curve(2, pictures=["a", "b"]), curve(2, pictures=["b", "a"])])
    with pytest.raises(ValueError, match="names or sizes differ"):
        require_same_pictures([curve(1, sizes=[(1, 2)]), curve(1, sizes=[(2, 1)])])


def test_a_metric_of_which_lower_is_better():
    measure = Measure("lpips", label="LPIPS", higher_is_better=False)
    curves = [
        RDCurve(name, "c", [1, 2], [[1.0], [0.5]], {"lpips": v}, measures={"lpips": measure})
        for name, v in (("ours", [[0.1], [0.3]]), ("theirs", [[0.25], [0.5]]))
    ]
    table = rd_table(curves, [1.0], "lpips").splitlines()
    assert table[0].split() == ["LPIPS", "(lower", "is", "better)", "at", "1", "bpp"]
    assert table[2].split() == ["theirs", "0.250", "(-0.150)"]
    assert curves[0].quality_at(0.5**0.5, "lpips") == pytest.approx(0.2)
    np.testing.assert_array_equal(curves[0].scaled_quality("lpips"), [[0.1], [0.3]])
    plain = RDCurve("plain", "c", [1, 2], [[1.0], [0.5]], {"lpips": [[0.1], [0.3]]})
    assert plain.measures["lpips"] == Measure("lpips")
    with pytest.raises(ValueError, match="agree on what 'lpips' is"):
        rd_table([*curves, plain], [1.0], "lpips")
