"""Tables of a report against the numbers that they show."""

import re
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from keras_sandwich.evaluation import Measure, RDCurve, bd_psnr, bd_rate, confidence_interval
from keras_sandwich.evaluation.report import tables
from keras_sandwich.evaluation.report.deltas import Deltas
from keras_sandwich.evaluation.report.tables import delta_table, gain_cells, quality_table, signed

RATES = np.array([[4.0], [2.0], [1.0], [0.5], [0.25]])


def curve_of(name, gain, pictures=6, seed=0) -> RDCurve:
    rng = np.random.default_rng(seed)
    bpp = RATES * rng.uniform(0.8, 1.2, pictures)
    psnr = 34 + 4 * np.log2(bpp) + gain + rng.normal(0, 0.3, bpp.shape)
    return RDCurve(name, "c", range(5), bpp, {"psnr-rgb": psnr, "ssim-rgb": 1 - 10 ** (-psnr / 30)})


OURS = curve_of("ours", 1.0, seed=1)
NEAR, FAR = curve_of("<near>", 0.0, seed=2), curve_of("far", -2.0, seed=3)


class Rows(HTMLParser):
    """The text of a table's cells, the parts of a cell separated by a bar."""

    def __init__(self, html):
        super().__init__()
        self.rows = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "small":
            self.rows[-1][-1] += "|"

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def interval(statistic, curves, decimals):
    low, high = confidence_interval(statistic, curves, level=0.9, resamples=100)
    return f"{signed(low, decimals)} to {signed(high, decimals)}"


def test_deltas_are_shown_with_their_intervals():
    deltas = Deltas([OURS, NEAR, FAR], ["psnr-rgb", "ssim-rgb"], 0.9, 100)
    rows = Rows(delta_table(deltas)).rows
    assert rows[0] == ["", "quality", "bits (BD-rate)", "quality (BD-PSNR)"]
    pairs = [(c, m) for c in (NEAR, FAR) for m in ("psnr-rgb", "ssim-rgb")]
    assert len(rows) == 1 + len(pairs)
    for row, (baseline, metric) in zip(rows[1:], pairs, strict=True):
        if metric == "psnr-rgb":
            assert row.pop(0) == f"over {baseline.name}"
        curves = [baseline, OURS]
        rate, gain = bd_rate(*curves, metric), bd_psnr(*curves, metric)
        sure = interval(lambda a, b, m=metric: bd_rate(a, b, m), curves, 1)
        assert row[1] == f"{signed(rate, 1)} %|{sure}"
        sure = interval(lambda a, b, m=metric: bd_psnr(a, b, m), curves, 2)
        assert row[2] == f"{signed(gain, 2)} dB|{sure}"
    assert "&lt;near&gt;" in delta_table(deltas)
    assert not deltas.notes


@pytest.mark.parametrize(
    ("curve", "baseline", "kept"), [(OURS, NEAR, "gain"), (FAR, NEAR, "loss"), (OURS, OURS, "gain")]
)
def test_the_first_numbers_and_whether_they_are_a_loss(curve, baseline, kept):
    html = gain_cells(Deltas([curve, baseline], ["psnr-rgb"], 0.9, 50), 1)
    cells = re.findall(
        r'<li class="(.*?)"><b>(.*?)</b>(.*?)<small>90 % interval: .*?</small>', html
    )
    gain, rate = bd_psnr(baseline, curve), bd_rate(baseline, curve)
    named = f"<em>{escape(baseline.name)}</em>"
    assert cells == [
        (kept, f"{signed(gain, 2)} dB", f"PSNR over {named} at equal bits"),
        (kept, f"{signed(rate, 1)} %", f"bits against {named} at equal PSNR"),
    ]


def test_qualities_at_rates():
    deltas = Deltas([OURS, NEAR], ["psnr-rgb", "ssim-rgb"], 0.9, 100)
    rows = Rows(quality_table(deltas, "psnr-rgb", [0.1, 0.5, 2.0])).rows
    assert rows[0] == ["", "0.1 bpp", "0.5 bpp", "2 bpp"]
    assert rows[1][1] == rows[2][1] == "–"
    for column, rate in ((2, 0.5), (3, 2.0)):
        ours, near = OURS.psnr_at(rate), NEAR.psnr_at(rate)
        assert rows[1][column] == f"{ours:.2f}"
        sure = interval(lambda a, b, r=rate: a.psnr_at(r) - b.psnr_at(r), [OURS, NEAR], 2)
        assert rows[2][column] == f"{near:.2f}|{signed(ours - near, 2)}|{sure}"
    rows = Rows(quality_table(deltas, "ssim-rgb", [0.5])).rows
    ours, near = (c.quality_at(0.5, "ssim-rgb") for c in (OURS, NEAR))
    assert rows[2][1] == f"{near:.4f}|{signed(ours - near, 4)}"


def test_what_cannot_be_had_is_said():
    far_away = RDCurve("away", "c", range(5), 100 * OURS.bpp, {"psnr-rgb": OURS.psnr + 60})
    means = RDCurve(
        "means", "c", range(5), NEAR.mean_bpp[:, None], {"psnr-rgb": NEAR.mean_psnr[:, None]}
    )
    deltas = Deltas([OURS, far_away, means], ["psnr-rgb"], 0.9, 50)
    rows = Rows(delta_table(deltas)).rows
    assert rows[1][2:] == ["–", "–"]
    assert re.fullmatch(r"−\d+\.\d %", rows[2][2])
    assert len(deltas.notes) == 3
    assert "share no qualities" in deltas.notes[0]
    assert "share no rates" in deltas.notes[1]
    assert deltas.notes[2].startswith("No interval: ")


@pytest.mark.parametrize(
    ("value", "text"), [(1.234, "+1.23"), (-1.236, "−1.24"), (0.001, "0.00"), (-0.001, "0.00")]
)
def test_signs(value, text):
    assert signed(value, 2) == text


def test_where_lower_is_better_a_rise_is_a_loss():
    measure = Measure("lpips", label="LPIPS", higher_is_better=False)

    def distance(curve):
        quality = {"lpips": (60 - curve.psnr) / 100}
        return RDCurve(curve.name, "c", range(5), curve.bpp, quality, measures={"lpips": measure})

    ours, near, far = (distance(curve) for curve in (OURS, NEAR, FAR))
    deltas = Deltas([ours, near, far], ["lpips"], 0.9, 30)
    assert deltas.best_baseline() == 1
    cells = re.findall(r'<li class="(.*?)"><b>(.*?)</b>', gain_cells(deltas, 1))
    change = bd_psnr(near, ours, "lpips")
    assert change < 0
    assert cells[0] == ("gain", signed(change, 3))
    assert cells[1][0] == "gain"
    losing = Deltas([far, near], ["lpips"], 0.9, 30)
    assert [
        kept for kept, _ in re.findall(r'<li class="(.*?)"><b>(.*?)</b>', gain_cells(losing, 1))
    ] == [
        "loss",
        "loss",
    ]
    assert re.findall(r'<td class="(.*?)">', delta_table(losing)) == ["text", "loss", "loss"]
    assert re.findall(r'<td class="(.*?)">', delta_table(deltas)) == ["text", "gain", "gain"] * 2
    table = quality_table(losing, "lpips", [1.0])
    assert "LPIPS (lower is better) at equal bits" in table
    assert re.findall(r'<small class="(.*?)">\+', table) == ["loss"]
    assert "of LPIPS less" in delta_table(losing)


def test_losses_have_their_own_colour_in_every_table():
    deltas = Deltas([FAR, NEAR, OURS], ["psnr-rgb"], 0.9, 30)
    assert re.findall(r'<td class="(.*?)">', delta_table(deltas)) == ["text", "loss", "loss"] * 2
    assert (
        re.findall(r'<small class="(.*?)">−', quality_table(deltas, "psnr-rgb", [1.0]))
        == ["loss"] * 2
    )
    style = (Path(tables.__file__).parent / "report.css").read_text(encoding="utf-8")
    colour = {
        kind: re.search(rf"td\.{kind}, small\.{kind} {{ color: (.*?);", style)[1]
        for kind in ("gain", "loss")
    }
    assert colour == {"gain": "var(--accent)", "loss": "var(--loss)"}
