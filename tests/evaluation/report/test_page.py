"""The page, read by an HTML parser: whole, by itself, and with nobody's markup but its own."""

import os
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from photographs import photographs

from keras_sandwich.evaluation import Comparison, Measure, RDCurve, write_report

EVIL = '<script>alert("x")</script> & "quoted" $\\oops$'
VOID = {"meta", "link", "img", "br", "input"}


class Page(HTMLParser):
    """Tags, attributes and text; refuses tags that do not match."""

    def __init__(self, path):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not set(self.open) & {"style", "script"}:
            self.text += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def curve_of(name, gain=0.0, metrics=("psnr-rgb", "ms-ssim-rgb"), **known) -> RDCurve:
    bpp = np.array([[2.0], [1.0], [0.5], [0.25]]) * np.linspace(0.8, 1.2, 5)
    psnr = 34 + gain + 4 * np.log2(bpp) + np.linspace(-3, 3, 5)
    quality = {"psnr-rgb": psnr, "ms-ssim-rgb": 1 - 10 ** (-psnr / 20)}
    quality = {metric: quality[metric] for metric in metrics}
    return RDCurve(name, "JPEG 4:2:0", [2, 6, 18, 54], bpp, quality, **known)


def comparison(name="a picture", size=(72, 96), bottleneck=None) -> Comparison:
    original = photographs(1, *size)[0]
    versions = {"ours": (original // 8 * 8, 0.5), "theirs": (original // 32 * 32, 0.51)}
    return Comparison(name, original, versions, bottleneck)


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Page:
    path = tmp_path_factory.mktemp("report") / "report.html"
    ours = curve_of(
        "ours",
        1.0,
        settings={"class": "JPEG", "qstep": EVIL},
        pictures=[f"{k}.png" for k in range(5)],
    )
    bottleneck = photographs(1, 72, 96)[0][::2, ::2, :1]
    pictures = [comparison(bottleneck=bottleneck), comparison(EVIL)]
    write_report(path, [ours, curve_of(EVIL)], pictures, EVIL, EVIL, resamples=30)
    return Page(path)


def test_nothing_is_asked_of_any_host(page):
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            if name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
                assert value.startswith(("data:", "#")), (tag, name, value[:60])
    assert not re.search(r"https?://", page.source)
    assert "@import" not in page.source
    for url in re.findall(r"url\(([^)]*)\)", page.source):
        assert url.startswith("#")


def test_strings_of_the_user_stay_text(page):
    assert len(page.all("script")) == 1
    assert "<script>alert" not in page.source
    assert page.text.count(EVIL) >= 6  # title, heading, description, legend, tables, picture


def test_ids_are_unique(page):
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_metric_has_its_plot_and_its_table(page):
    assert len(page.all("svg")) == 2
    assert "MS-SSIM at equal bits" in page.text
    assert "PSNR in dB at equal bits" in page.text
    assert "BD-rate" in page.text


def test_codecs_and_pictures_are_on_record(page):
    for said in ("JPEG 4:2:0", "whole file", "2, 6, 18, 54", "0.png, 1.png", '"class": "JPEG"'):
        assert said in page.text
    assert re.search(r"keras-sandwich \d", page.text)


def test_pictures_are_labelled_with_bits_and_decibels(page):
    shown = comparison()
    for label, (_, rate) in shown.versions.items():
        assert f"{rate:.3f} bpp, {shown.psnr(label):.2f} dB" in page.text
    assert "48×36, 1 channel" in page.text
    # Of two comparisons: three whole and three zoomed pictures each, and the bottleneck twice.
    images = page.all("img")
    assert len(images) == 14
    assert all(image["alt"] for image in images)
    sides = [
        attributes["data-side"] for attributes in page.all("figure") if "data-side" in attributes
    ]
    assert len(sides) == 6
    assert sides[0] == "original"


def test_works_on_phones_and_in_the_dark(page):
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all(
        "meta"
    )
    assert "prefers-color-scheme: dark" in page.source


def test_metrics_that_all_curves_hold(tmp_path):
    curves = [curve_of("ours"), curve_of("theirs", metrics=("psnr-rgb",))]
    write_report(tmp_path / "report.html", curves, resamples=20)
    assert "MS-SSIM" not in Page(tmp_path / "report.html").text
    with pytest.raises(ValueError, match="a metric that all curves hold"):
        write_report(
            tmp_path / "none.html",
            [curve_of("a", metrics=("psnr-rgb",)), curve_of("b", metrics=())],
        )
    with pytest.raises(ValueError, match="at least one curve"):
        write_report(tmp_path / "none.html", [])
    assert not (tmp_path / "none.html").exists()


def test_one_curve_and_no_pictures(tmp_path):
    write_report(tmp_path / "report.html", [curve_of("alone")], title="Alone", rates=[0.5])
    page = Page(tmp_path / "report.html")
    assert "BD-rate" not in page.text
    assert "Pictures" in page.text  # of the record, not the section
    assert not page.all("img")
    assert f"{curve_of('alone').psnr_at(0.5):.2f}" in page.text


def test_a_frontier_says_where_its_points_are_from(tmp_path):
    frontier = curve_of("frontier", sources=["γ 50", "γ 50", "γ 400", "γ 400"])
    write_report(tmp_path / "report.html", [frontier])
    page = Page(tmp_path / "report.html")
    assert "γ 50: 2, 6" in page.text
    assert "γ 400: 18, 54" in page.text


def test_of_a_large_picture_a_part_is_shown(tmp_path):
    original = np.zeros((1100, 1200, 1), "uint8")
    original[600:700, 500:600] = 255
    large = Comparison("large", original, {"ours": (original, 0.1)})
    write_report(tmp_path / "report.html", [curve_of("alone")], [large])
    page = Page(tmp_path / "report.html")
    assert "1200×1100; 1024×1024 of it shown" in page.text
    sizes = {(image["width"], image["height"]) for image in page.all("img")}
    assert sizes == {("1024", "1024"), ("64", "64")}


def test_a_level_that_is_no_confidence(tmp_path):
    with pytest.raises(ValueError, match=r"`level` must be between 0 and 1.*95"):
        write_report(tmp_path / "report.html", [curve_of("alone")], level=95)


def test_without_pillow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"keras-sandwich\[codecs\]"):
        write_report(tmp_path / "report.html", [curve_of("alone")], [comparison()])


def test_a_user_s_own_metric_has_its_plot_its_table_and_its_captions(tmp_path):
    def error(target, restored, peak):
        return np.abs(target - restored).mean()

    measure = Measure("error", error, "mean error", "levels", higher_is_better=False, decimals=1)
    curves = []
    for name, factor in (("ours", 0.5), ("theirs", 1.0)):
        bpp = curve_of(name).bpp
        quality = {"error": factor * 8 / bpp}
        curves.append(RDCurve(name, "c", [2, 6, 18, 54], bpp, quality, measures={"error": measure}))
    shown = comparison()
    shown = Comparison(shown.name, shown.original, shown.versions, metrics=["psnr-rgb", measure])
    write_report(tmp_path / "report.html", curves, [shown], resamples=20)
    page = Page(tmp_path / "report.html")
    assert len(page.all("svg")) == 1
    assert "mean error (levels), lower is better" in page.text
    assert "mean error over theirs at equal bits" in page.text
    assert {a["class"] for a in page.all("li") if a.get("class") in ("gain", "loss")} == {"gain"}
    theirs = np.abs(shown.original - shown.original // 32 * 32.0).mean()
    assert f"0.510 bpp, {shown.psnr('theirs'):.2f} dB, mean error {theirs:.1f} levels" in page.text


def test_names_of_no_encoding_are_readable(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    curve = curve_of(name, pictures=[name, *"abcd"], sources=[name] * 4, settings={"path": name})
    pictures = [Comparison(name, np.zeros((16, 16, 3)), {name: (np.ones((16, 16, 3)), 0.5)})]
    path = tmp_path / f"{name}.html"
    write_report(path, [curve, curve_of("b")], pictures, name, name, resamples=10)
    page = Page(path)
    assert page.text.count(r"caf\xe9") >= 8
    assert "\ufffd" not in page.source


def test_a_good_page_survives_a_failure(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    write_report(path, [curve_of("alone")])
    good = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_report(path, [curve_of("other")])
    assert path.read_bytes() == good
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_the_first_numbers_name_their_baseline(tmp_path):
    write_report(
        tmp_path / "r.html",
        [curve_of("ours", 1.0), curve_of("hard", 0.5), curve_of("easy")],
        resamples=10,
    )
    page = Page(tmp_path / "r.html")
    assert "PSNR over hard at equal bits" in page.text
    assert "bits against hard at equal PSNR" in page.text
