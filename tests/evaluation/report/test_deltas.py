"""Which baseline is the hardest, and what is said of what could not be had."""

import numpy as np

from keras_sandwich.evaluation import RDCurve
from keras_sandwich.evaluation.report.deltas import Deltas

RATES = np.array([[4.0], [2.0], [1.0], [0.5], [0.25]])


def curve_of(name, gain, seed) -> RDCurve:
    rng = np.random.default_rng(seed)
    bpp = RATES * rng.uniform(0.8, 1.2, 6)
    psnr = 34 + 4 * np.log2(bpp) + gain + rng.normal(0, 0.3, bpp.shape)
    return RDCurve(name, "c", range(5), bpp, {"psnr-rgb": psnr})


OURS = curve_of("ours", 1.0, seed=1)
NEAR, FAR = curve_of("near", 0.0, seed=2), curve_of("far", -2.0, seed=3)


def test_the_best_baseline_is_the_one_that_is_hardest_to_beat():
    deltas = Deltas([OURS, FAR, NEAR], ["psnr-rgb"], 0.9, 50)
    assert deltas.best_baseline() == 2
    assert Deltas([OURS], ["psnr-rgb"], 0.9, 50).best_baseline() is None


def test_left_out_points_are_said_once():
    worse = RDCurve(
        "worse",
        "c",
        range(6),
        np.concatenate([NEAR.bpp, 9 * NEAR.bpp[:1]]),
        {"psnr-rgb": np.concatenate([NEAR.psnr, NEAR.psnr[:1] - 1])},
    )
    deltas = Deltas([OURS, worse], ["psnr-rgb"], 0.9, 20)
    assert len(deltas.notes) == 1
    assert "1 of the 6 points of 'worse'" in deltas.notes[0]


def test_notes_are_words_for_readers():
    far_away = RDCurve("away", "c", range(5), 100 * OURS.bpp, {"psnr-rgb": OURS.psnr + 60})
    notes = Deltas([OURS, far_away], ["psnr-rgb"], 0.9, 20).notes
    assert notes == [
        "No BD-rate of PSNR over away: the curves share no qualities, so nothing can be compared.",
        "No difference at equal bits of PSNR over away: the curves share no rates, so nothing can be compared.",
    ]
