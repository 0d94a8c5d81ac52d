"""The section of a report that sets pictures side by side and under a slider."""

from collections.abc import Sequence

import numpy as np

from keras_sandwich.evaluation.comparison import Comparison
from keras_sandwich.evaluation.quality import PSNR
from keras_sandwich.evaluation.report.inline_pictures import data_uri, planes
from keras_sandwich.evaluation.report.markup import escape
from keras_sandwich.evaluation.report.picture_parts import Box, around, crop, most_detailed, scaled


def pictures_section(pictures: Sequence[Comparison]) -> str:
    """Comparisons one below the other; nothing of none."""
    if not pictures:
        return ""
    return (
        "<section>\n<h2>Pictures</h2>\n"
        '<p class="faint">Every bit of the files counts. The enlarged part is the one with the most detail in the '
        "original.</p>\n" + "\n".join(map(_comparison, pictures)) + "\n</section>"
    )


def _comparison(comparison: Comparison) -> str:
    height, width = comparison.original.shape[:2]
    detail = most_detailed(comparison.original)
    shown = around(detail, height, width)
    entries = [("original", comparison.original, "", comparison.peak)]
    for name, (picture, rate) in comparison.versions.items():
        measured = ", ".join([f"{rate:.3f} bpp", *_qualities(comparison, name)])
        entries.append((name, picture, measured, comparison.peak))
    whole = [
        _figure(crop(picture, shown), peak, name, text, side=True)
        for name, picture, text, peak in entries
    ]
    zoomed = [
        _figure(crop(picture, detail), peak, name, text) for name, picture, text, peak in entries
    ]
    if comparison.bottleneck is not None:
        bottleneck = comparison.bottleneck
        size = (bottleneck.shape[0], bottleneck.shape[1])
        text = (
            f"{size[1]}×{size[0]}, {bottleneck.shape[2]} channel{'s' * (bottleneck.shape[2] > 1)}"
        )

        def part(box: Box) -> str:
            pixels = planes(crop(bottleneck, scaled(box, (height, width), size)))
            return _figure(pixels, 255.0, "what the file carries", text)

        whole.append(part(shown))
        zoomed.insert(1, part(detail))
    cut = "" if (height, width) == shown[2:] else f"; {shown[3]}×{shown[2]} of it shown"
    return (
        f'<section class="comparison">\n<h3>{escape(comparison.name)}</h3>\n'
        f"<small>{width}×{height}{cut}</small>\n"
        f'<details class="side-by-side" open><summary>Side by side</summary>'
        f'<div class="row">{"".join(whole)}</div></details>\n'
        f'<div class="row zoom">{"".join(zoomed)}</div>\n'
        f"<small>{detail[3]}×{detail[2]} pixels, enlarged</small>\n</section>"
    )


def _qualities(comparison: Comparison, name: str) -> list[str]:
    """The values of a version with their units; the label of whatever is not dB of PSNR."""
    return [
        ("" if measure == PSNR else f"{measure.label} ")
        + f"{value:.{measure.decimals}f} {measure.unit}".rstrip()
        for measure, value in comparison.qualities(name).items()
    ]


def _figure(picture: np.ndarray, peak: float, name: str, text: str, side: bool = False) -> str:
    height, width = picture.shape[:2]
    option = escape(f"{name} · {text}" if text else name)
    attribute = f' data-side="{option}"' if side else ""
    measured = f"<span>{escape(text)}</span>" if text else ""
    return (
        f"<figure{attribute}>"
        f'<img src="{data_uri(picture, peak)}" width="{width}" height="{height}" alt="{option}">'
        f"<figcaption><b>{escape(name)}</b>{measured}</figcaption></figure>"
    )
