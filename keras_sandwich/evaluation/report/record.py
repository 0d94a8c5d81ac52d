"""The section of a report that says how everything was measured, and its foot."""

import json
from collections.abc import Iterable, Sequence

from keras_sandwich._version import __version__
from keras_sandwich.evaluation.curve import RDCurve
from keras_sandwich.evaluation.report.markup import escape


def record_section(curves: Sequence[RDCurve]) -> str:
    """Codecs, strengths, pictures and versions, curve by curve."""
    rows = "".join(
        f'<tr><th scope="row">{escape(curve.name)}</th><td>{escape(curve.codec)}'
        f"<small>{escape(curve.version)}</small>{_settings(curve)}</td>"
        f"<td>{escape(curve.bits_counted)}</td><td>{_strengths(curve)}</td>"
        f"<td>{_measured_pictures(curve)}</td></tr>"
        for curve in curves
    )
    versions = {f"{name} {version}" for c in curves for name, version in c.packages.items()}
    made = ", ".join(sorted(versions)) or f"keras-sandwich {__version__}"
    return (
        '<section>\n<h2>How it was measured</h2>\n<div class="scroll"><table class="record">'
        "<thead><tr><th>Curve</th><th>Codec</th><th>Bits counted</th><th>Strengths</th>"
        f"<th>Pictures</th></tr></thead><tbody>{rows}</tbody></table></div>\n</section>\n"
        f"<footer>Measured with {escape(made)}. Page written by keras-sandwich "
        f"{escape(__version__)}.</footer>"
    )


def _settings(curve: RDCurve) -> str:
    if not curve.settings:
        return ""
    text = json.dumps(dict(curve.settings), indent=1, ensure_ascii=False, default=str)
    return f"<details><summary>settings</summary><pre>{escape(text)}</pre></details>"


def _strengths(curve: RDCurve) -> str:
    def listed(numbers: Iterable[float]) -> str:
        return escape(", ".join(f"{number:g}" for number in numbers))

    if not curve.sources:
        return listed(curve.strengths)
    groups: dict[str, list[float]] = {}
    for source, strength in zip(curve.sources, curve.strengths, strict=True):
        groups.setdefault(source, []).append(strength)
    return "<br>".join(f"{escape(name)}: {listed(values)}" for name, values in groups.items())


def _measured_pictures(curve: RDCurve) -> str:
    number = curve.bpp.shape[1]
    names = ", ".join(curve.pictures)
    return f"{number}" + (f"<small>{escape(names)}</small>" if names else "")
