"""Plots as SVG within a page."""

import io
import re
from collections.abc import Sequence

from keras_sandwich._optional import import_library
from keras_sandwich.evaluation.curve import RDCurve
from keras_sandwich.evaluation.plots import COLORS, GRID, plot_rd


def plot_svg(curves: Sequence[RDCurve], metric: str, prefix: str) -> str:
    """A plot whose colours are the page's and whose ids begin with the prefix."""
    figure = plot_rd(curves, metric=metric)
    rc_context = import_library("matplotlib", "Plotting", "plots").rc_context
    figure.set_size_inches(5.4, 4.0)
    figure.axes[0].get_legend().remove()  # the page has one for all plots
    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": prefix}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = re.sub(r"<metadata>.*?</metadata>", "", buffer.getvalue(), flags=re.DOTALL)
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'\s(xmlns(:xlink)?|version)="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = svg.replace("url(#", f"url(#{prefix}-").replace('href="#', f'href="#{prefix}-')
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    replacements = {"#000000": "currentColor", GRID: "var(--line)"}
    replacements |= {color: f"var(--curve-{k})" for k, color in enumerate(COLORS)}
    for given, shown in replacements.items():
        svg = svg.replace(given, shown)
    return svg.replace("<svg", '<svg role="img"', 1)
