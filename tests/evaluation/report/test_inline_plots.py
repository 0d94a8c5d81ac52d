"""Plots within a page, read by the XML parser."""

import xml.etree.ElementTree as ElementTree

import numpy as np

from keras_sandwich.evaluation import RDCurve
from keras_sandwich.evaluation.report.inline_plots import plot_svg


def test_plots_are_part_of_the_page():
    bpp = np.array([[2.0], [1.0], [0.5]])
    curves = [
        RDCurve(name, "c", [1, 2, 3], bpp, {"psnr-rgb": 30 + 3 * np.log2(bpp) + gain})
        for name, gain in (("<one & other>", 0.0), ("$\\bad$", 1.0))
    ]
    svg = plot_svg(curves, "psnr-rgb", "here")
    root = ElementTree.fromstring(svg)  # well-formed, and without names of other hosts
    assert "http" not in svg
    assert root.get("viewBox")
    assert root.get("width") is root.get("height") is None
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(set(ids)) == len(ids)
    assert all(name.startswith("here-") for name in ids)
    used = [v[1:] for e in root.iter() for k, v in e.attrib.items() if k == "href"]
    assert used
    assert set(used) <= set(ids)
    assert svg.count("stroke: var(--curve-0)") >= 1
    assert svg.count("stroke: var(--curve-1)") >= 1
    assert "currentColor" in svg
    assert "#1f5fbf" not in svg
    texts = [e.text for e in root.iter() if e.tag.endswith("text")]
    assert "PSNR (dB)" in texts  # text, not outlines
    assert not any("one" in text for text in texts)  # the page's legend names the curves
    assert svg == plot_svg(curves, "psnr-rgb", "here")
