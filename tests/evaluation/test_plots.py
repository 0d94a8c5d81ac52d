"""What the axes hold, not what it looks like."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from photographs import photographs
from PIL import Image

from keras_sandwich.evaluation import Measure, RDCurve, confidence_interval, plot_pictures, plot_rd

RNG = np.random.default_rng(0)


def curves(number: int) -> list[RDCurve]:
    return [
        RDCurve(
            f"system {name}",
            "JPEG",
            [4.0, 8.0, 16.0],
            bpp=RNG.uniform(0.2, 2.0, (3, 5)),
            quality={
                "psnr-rgb": RNG.uniform(20, 40, (3, 5)),
                "ms-ssim-rgb": RNG.uniform(0.5, 1, (3, 5)),
            },
        )
        for name in range(number)
    ]


def test_lines_are_the_mean_over_pictures():
    given = curves(8)  # more than there are colours and markers
    figure = plot_rd(given, title="Title")
    (axes,) = figure.axes
    assert len(axes.lines) == 8
    for line, curve in zip(axes.lines, given, strict=True):
        np.testing.assert_allclose(line.get_xdata(), curve.bpp.sum(axis=1) / 5)
        np.testing.assert_allclose(line.get_ydata(), curve.psnr.sum(axis=1) / 5)
        assert line.get_label() == curve.name
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == [curve.name for curve in given]
    looks = {(line.get_color(), line.get_marker()) for line in axes.lines}
    assert len(looks) == 8


@pytest.mark.parametrize(("low", "high"), [(0.2, 2.0), (0.03, 20.0), (1.02, 1.4), (1.7, 1.8)])
def test_axes_say_what_they_show(low, high):
    curve = RDCurve("c", "c", [4.0, 8.0], [[high], [low]], {"psnr-rgb": [[40.0], [30.0]]})
    (axes,) = plot_rd([curve], title="A title").axes
    assert axes.get_xscale() == "log"
    assert axes.get_yscale() == "linear"
    assert "bits per pixel" in axes.get_xlabel()
    assert "dB" in axes.get_ylabel()
    assert axes.get_title("left") == "A title"
    axes.figure.canvas.draw()
    ticks = axes.get_xticks()
    labels = [tick.get_text() for tick in axes.get_xticklabels()]
    assert [float(label) for label in labels] == pytest.approx(ticks.tolist())
    assert len(set(labels)) >= 2
    assert all(axes.get_xlim()[0] <= tick <= axes.get_xlim()[1] for tick in ticks)


def test_pictures_hold_their_pixels(tmp_path):
    colour = photographs(1, 24, 32)[0]
    floating = colour.astype("float32") + RNG.uniform(-40, 40, colour.shape)
    gray = colour[..., :1]
    path = tmp_path / "pictures.png"
    figure = plot_pictures(
        [
            {"as it is": colour, "rounded and clipped": floating},
            {"gray": gray, "again": colour[:, ::-1]},
        ],
        path,
        title="Title",
    )
    shown = [np.asarray(axes.images[0].get_array()) for axes in figure.axes]
    expected = [colour, np.clip(np.rint(floating), 0, 255), gray[..., 0], colour[:, ::-1]]
    for pixels, truth in zip(shown, expected, strict=True):
        np.testing.assert_array_equal(pixels, truth)
    captions = [axes.get_title() for axes in figure.axes]
    assert captions == ["as it is", "rounded and clipped", "gray", "again"]
    assert figure.axes[2].images[0].get_clim() == (0, 255)  # gray is not stretched
    assert figure.get_suptitle() == "Title"
    with Image.open(path) as picture:
        assert picture.format == "PNG"


def test_a_file_is_written_only_where_one_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plot_rd(curves(2))
    assert not list(tmp_path.iterdir())
    plot_rd(curves(2), tmp_path / "plot.svg")
    assert b"<svg" in (tmp_path / "plot.svg").read_bytes()


def test_rows_of_different_lengths():
    picture = np.zeros((8, 8, 3))
    with pytest.raises(ValueError, match="as many"):
        plot_pictures([{"one": picture, "two": picture}, {"one": picture}])


def test_axes_hold_what_the_curves_have_at_the_rates():
    long = RDCurve(
        "long", "c", [1, 2, 3], [[8.0], [2.0], [0.5]], {"psnr-rgb": [[48.0], [40.0], [32.0]]}
    )
    short = RDCurve("short", "c", [1, 2], [[1.1], [0.9]], {"psnr-rgb": [[30.0], [29.0]]})
    elsewhere = RDCurve("elsewhere", "c", [1, 2], [[0.2], [0.1]], {"psnr-rgb": [[20.0], [10.0]]})
    (axes,) = plot_rd([long, short, elsewhere], rates=(0.7, 4.0)).axes
    assert axes.get_xlim() == pytest.approx((0.7, 4.0))
    low, high = axes.get_ylim()  # 29 dB of the short curve, 44 dB of the long one's line at 4 bpp
    assert low == pytest.approx(29.0 - 0.6)
    assert high == pytest.approx(44.0 + 0.6)
    assert all(0.7 <= tick <= 4.0 for tick in axes.get_xticks())


@pytest.mark.parametrize(
    "rates", [(1.0, 0.5), (0.0, 1.0), (1.0, 1.0), (-1.0, 1.0), (np.nan, 1.0), (1.0, np.inf)]
)
def test_rates_that_are_no_range(rates):
    with pytest.raises(ValueError, match="lowest, highest"):
        plot_rd(curves(1), rates=rates)


def test_rates_that_no_curve_has():
    with pytest.raises(ValueError, match="No curve"):
        plot_rd(curves(2), rates=(10.0, 20.0))


def test_without_matplotlib(monkeypatch):
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"keras-sandwich\[plots\]"):
        plot_rd(curves(1))
    with pytest.raises(ImportError, match=r"keras-sandwich\[plots\]"):
        plot_pictures([{"picture": np.zeros((8, 8, 3))}])


@pytest.mark.parametrize("metric", ["psnr-rgb", "ms-ssim-rgb"])
def test_another_metric_is_shown_in_decibels(metric):
    (curve,) = curves(1)
    (axes,) = plot_rd([curve], metric=metric).axes
    values = curve.quality[metric]
    expected = values if metric == "psnr-rgb" else -10 * np.log10(1 - values)
    np.testing.assert_allclose(axes.lines[0].get_ydata(), expected.mean(axis=1))
    assert axes.get_ylabel() == {"psnr-rgb": "PSNR (dB)", "ms-ssim-rgb": "MS-SSIM (dB)"}[metric]
    with pytest.raises(ValueError, match="holds"):
        plot_rd([curve], metric="ssim-rgb")


def test_bands_are_intervals_of_the_interpolated_curve():
    rates = np.array([[2.0], [1.0], [0.5]]) * np.ones(6)
    psnr = np.array([[40.0], [35.0], [30.0]]) + np.arange(6.0)
    many = RDCurve("many", "c", [1, 2, 3], rates, {"psnr-rgb": psnr})
    one = RDCurve("one", "c", [1, 2, 3], rates[:, :1], {"psnr-rgb": psnr[:, :1]})
    (axes,) = plot_rd([many, one], level=0.9).axes
    (band,) = axes.collections  # none of a single picture
    outline = band.get_paths()[0].vertices
    for rate, middle in ((0.5, 32.5), (1.0, 37.5), (2.0, 42.5)):
        low, high = confidence_interval(lambda c, r=rate: c.psnr_at(r), many, level=0.9)
        at_rate = outline[outline[:, 0] == rate, 1]
        assert at_rate.min() == pytest.approx(low)
        assert at_rate.max() == pytest.approx(high)
        assert low < middle < high
    assert not plot_rd([many]).axes[0].collections


def test_bands_reach_the_ends_though_no_draw_does():
    rng = np.random.default_rng(0)
    rates = np.array([[2.0], [1.0], [0.5]]) * rng.uniform(0.5, 2, 8)
    psnr = 35 + 5 * np.log2(rates)  # one line: of any pictures the same
    (axes,) = plot_rd([RDCurve("c", "c", [1, 2, 3], rates, {"psnr-rgb": psnr})], level=0.95).axes
    outline = axes.collections[0].get_paths()[0].vertices
    assert outline[:, 0].min() == pytest.approx(rates.mean(axis=1).min())
    assert outline[:, 0].max() == pytest.approx(rates.mean(axis=1).max())
    spread = np.abs(outline[:, 1] - (35 + 5 * np.log2(outline[:, 0])))
    assert spread.max() < 1.5  # the mean of logarithms is not that of rates


def test_names_are_no_formulas(tmp_path):
    bpp, psnr = [[1.0], [0.5]], {"psnr-rgb": [[30.0], [28.0]]}
    figure = plot_rd(
        [RDCurve(r"cost: 3$ \bad{ $x_1$", "c", [1, 2], bpp, psnr)],
        tmp_path / "plot.svg",
        r"$\oops$",
    )
    assert figure.axes[0].get_legend().get_texts()[0].get_text() == r"cost: 3$ \bad{ $x_1$"
    plot_pictures([{r"$\oops$": np.zeros((8, 8, 3))}], tmp_path / "pictures.png")


def test_a_metric_of_which_lower_is_better_says_so():
    measure = Measure("angle", label="mean angle", unit="°", higher_is_better=False)
    values = np.array([[2.0, 4.0], [5.0, 9.0]])
    curve = RDCurve(
        "c", "c", [1, 2], [[1.0, 1.0], [0.5, 0.5]], {"angle": values}, measures={"angle": measure}
    )
    (axes,) = plot_rd([curve], metric="angle").axes
    assert axes.get_ylabel() == "mean angle (°), lower is better"
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [3.0, 7.0])
    low, high = plot_rd([curve], metric="angle", rates=(0.4, 2.0)).axes[0].get_ylim()
    assert (low, high) == pytest.approx((3 - 0.16, 7 + 0.16))


def test_files_are_whole_and_of_the_format_of_their_name(tmp_path, monkeypatch):
    path = tmp_path / "plot.png"
    plot_rd(curves(1), path)
    whole = path.read_bytes()

    def broken(figure, file, **options):
        Path(file).write_bytes(b"half")
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("matplotlib.figure.Figure.savefig", broken)
        for write in (
            lambda: plot_rd(curves(2), path),
            lambda: plot_pictures([{"a": np.zeros((8, 8, 3))}], path),
        ):
            with pytest.raises(OSError, match="disk full"):
                write()
    assert path.read_bytes() == whole
    assert [file.name for file in tmp_path.iterdir()] == ["plot.png"]
    plot_rd(curves(1), tmp_path / "no_suffix")
    with Image.open(tmp_path / "no_suffix.png") as picture:
        assert picture.format == "PNG"


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_names_of_no_encoding_are_shown(tmp_path, suffix):
    name = os.fsdecode(b"caf\xe9")
    curve = RDCurve(name, "c", [1, 2], [[1.0], [0.5]], {"psnr-rgb": [[30.0], [28.0]]})
    plot_rd([curve], tmp_path / f"{name}.{suffix}", title=name)
    plot_pictures([{name: np.zeros((8, 8, 3))}], tmp_path / f"pictures.{suffix}", title=name)
    assert (tmp_path / f"{name}.{suffix}").stat().st_size > 500
