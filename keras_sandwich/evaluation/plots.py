"""Pictures of results."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_sandwich._optional import import_library
from keras_sandwich._whole_files import replace_whole
from keras_sandwich.evaluation.bootstrap import confidence_interval
from keras_sandwich.evaluation.curve import RDCurve, shared_measure
from keras_sandwich.evaluation.readable import readable

COLORS = ("#1f5fbf", "#d1495b", "#2e933c", "#8d6a9f", "#e08e1b", "#5b5f66", "#16a3a3")
MARKERS = "osD^vP"
GRID = "#dddddd"
TICKS = (0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24)


def plot_rd(
    curves: Sequence[RDCurve],
    path: str | Path | None = None,
    title: str = "",
    metric: str = "psnr-rgb",
    level: float | None = None,
    rates: tuple[float, float] | None = None,
) -> Any:
    """Plots quality over bits per pixel, one line per curve, the rate on a logarithmic axis.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    bpp, psnr = np.array([[1.0], [0.5]]), np.array([[30.0], [27.0]])
    curve = ks.evaluation.RDCurve("codec", "JPEG", [4, 8], bpp, {"psnr-rgb": psnr})
    figure = ks.evaluation.plot_rd([curve])
    assert figure.axes[0].get_xscale() == "log"
    ```

    Args:
        curves: results of `rd_curve`.
        path: a file to write the figure to.
        title: the figure's title.
        metric: SSIM and MS-SSIM are shown as −10·log10(1 − x) dB, every other metric as it is.
        level: the confidence, such as 0.95, of a band around each curve of two pictures or more: what other pictures
            would have given. Pictures differ more than systems do, so bands that overlap say nothing about which system
            is better; `confidence_interval` of a difference does.
        rates: the lowest and the highest bits per pixel to show, both positive; None: all that were measured.

    Returns:
        The Matplotlib figure.

    Raises:
        ValueError: a curve that does not hold the metric, or curves that disagree on its unit or direction; rates that
            are no range, or that no curve has.
        ImportError: Matplotlib is not installed.
    """
    measure = shared_measure(curves, metric)
    figure = matplotlib_figure()(figsize=(7.2, 4.6), layout="constrained")
    axes = figure.subplots()
    for number, curve in enumerate(curves):
        color, marker = look(number)
        if level is not None and curve.bpp.shape[1] > 1:
            at = np.sort(curve.mean_bpp)
            band = confidence_interval(lambda c, at=at: _scaled_at(c, metric, at), curve, level)
            axes.fill_between(at, *band, color=color, alpha=0.14, linewidth=0, zorder=2)
        axes.plot(
            curve.mean_bpp,
            curve.mean_scaled_quality(metric),
            color=color,
            marker=marker,
            markersize=4.5,
            linewidth=2.2 if number == 0 else 1.4,
            label=readable(curve.name),
            zorder=3 + len(curves) - number,
        )
    axes.set_xscale("log")
    if rates is not None:
        _show(axes, curves, metric, rates)
    _label_rates(axes)
    axes.set_xlabel(f"bits per pixel ({bits_counted(curves)})")
    axes.set_ylabel(measure.axis)
    axes.grid(color=GRID, linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    for text in axes.legend(framealpha=0.85, edgecolor="none").get_texts():
        text.set_parse_math(False)  # a name with a dollar is no formula
    if title:
        axes.set_title(readable(title), loc="left", parse_math=False)
    if path is not None:
        _save(figure, path, dpi=150)
    return figure


def look(number: int) -> tuple[str, str]:
    """The colour and the marker of a curve; the pairs repeat after 42."""
    return COLORS[number % len(COLORS)], MARKERS[number % len(MARKERS)]


def bits_counted(curves: Sequence[RDCurve]) -> str:
    """Which bits the curves count, for an axis."""
    return " / ".join(dict.fromkeys(curve.bits_counted for curve in curves))


def _scaled_at(curve: RDCurve, metric: str, rates: np.ndarray) -> np.ndarray:
    """A mean metric on the plot's scale at rates, linear in the logarithm of the rate, beyond the ends too."""
    order = np.argsort(curve.mean_bpp)
    x, y = np.log(curve.mean_bpp)[order], curve.mean_scaled_quality(metric)[order]
    at = np.log(rates)
    if len(x) < 2:
        return np.broadcast_to(y, at.shape)
    piece = np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2)
    step = np.maximum(x[piece + 1] - x[piece], 1e-9)
    return np.asarray(y[piece] + (at - x[piece]) * (y[piece + 1] - y[piece]) / step)


def _show(axes: Any, curves: Sequence[RDCurve], metric: str, rates: tuple[float, float]) -> None:
    """Limits the axes to the rates and to what the curves have there."""
    low, high = rates
    if not 0 < low < high < np.inf:
        raise ValueError(f"`rates` must be (lowest, highest), both positive. Received {rates}.")
    shown = []
    for curve in curves:
        bpp = curve.mean_bpp
        if bpp.min() <= high and bpp.max() >= low:
            at = np.concatenate(
                [bpp[(bpp > low) & (bpp < high)], np.clip(rates, bpp.min(), bpp.max())]
            )
            shown.append(_scaled_at(curve, metric, at))
    if not shown:
        raise ValueError(f"No curve has a point or a line between the `rates` {rates}.")
    values = np.concatenate(shown)
    flat = (
        0.003 * float(np.abs(values).max()) or 1.0
    )  # a curve that does not rise is shown in the middle
    margin = 0.04 * max(float(np.ptp(values)), flat)
    axes.set_xlim(low, high)
    axes.set_ylim(values.min() - margin, values.max() + margin)


def _label_rates(axes: Any) -> None:
    """Round numbers along the logarithmic axis."""
    ticker = import_library("matplotlib.ticker", "Plotting", "plots")
    low, high = axes.get_xlim()
    ticks = [tick for tick in TICKS if low <= tick <= high]
    if len(ticks) < 2:  # a curve over a narrow range
        ticks = [round(tick, 3) for tick in np.geomspace(low, high, 5)[1:-1].tolist()]
    axes.set_xticks(ticks)
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    axes.minorticks_off()


def plot_pictures(
    rows: Sequence[Mapping[str, Any]], path: str | Path | None = None, title: str = ""
) -> Any:
    """Sets pictures side by side, pixel for pixel, a row for each mapping from caption to picture.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    picture = np.zeros((32, 48, 3), "uint8")
    figure = ks.evaluation.plot_pictures([{"original": picture, "again": picture}])
    assert len(figure.axes) == 2
    ```

    Args:
        rows: for each row the captions and their pictures, [height, width, 1 or 3] in [0, 255]; all rows have as many.
        path: a file to write the figure to.
        title: the figure's title.

    Returns:
        The Matplotlib figure.

    Raises:
        ValueError: rows of different lengths.
        ImportError: Matplotlib is not installed.
    """
    columns = len(rows[0])
    if any(len(row) != columns for row in rows):
        raise ValueError(
            "Expected rows with as many pictures each. "
            f"Received rows of {[len(row) for row in rows]} pictures."
        )
    side = 2.6  # inches: 256 pixels at 100 dots per inch
    figure = matplotlib_figure()(
        figsize=(side * columns, (side + 0.36) * len(rows) + (0.4 if title else 0.0)),
        layout="constrained",
    )
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for line, row in zip(grid, rows, strict=True):
        for axes, (caption, picture) in zip(line, row.items(), strict=True):
            pixels = np.clip(np.round(np.asarray(picture, "float32")), 0, 255).astype("uint8")
            pixels = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
            axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axes.set_title(readable(caption), fontsize=8.5, parse_math=False)
            axes.set_axis_off()
    if title:
        figure.suptitle(readable(title), fontsize=11, parse_math=False)
    if path is not None:
        _save(figure, path, dpi=110)
    return figure


def matplotlib_figure() -> Any:
    """Matplotlib's `Figure`, which needs no display; ImportError, with the extra's name, where it is not installed."""
    return import_library("matplotlib.figure", "Plotting", "plots").Figure


def _save(figure: Any, path: str | Path, dpi: int) -> None:
    """Writes a figure in the format of the file's suffix; without a suffix as PNG, with one."""
    path = Path(path)
    path = path if path.suffix else path.with_name(f"{path.name}.png")
    with replace_whole(path) as beside:
        figure.savefig(beside, dpi=dpi, format=path.suffix[1:])
