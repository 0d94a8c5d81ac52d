"""Curves of some pictures each, measured one after the other or on several machines, as one curve of all of them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from keras_sandwich.evaluation.curve import RDCurve

# What curves must agree on to be one measurement.
ALIKE = ("codec", "strengths", "version", "settings", "bits_counted", "fingerprint", "measures")


def join_pictures(curves: Sequence[RDCurve]) -> RDCurve:
    """One curve of the pictures of several, which were measured alike.

    What takes hours can so be measured picture by picture, written down with `save_results` as it comes, and gone on
    with after a break.

    Example:

    ```python
    import keras_sandwich as ks

    pictures = ks.datasets.sample_images("test")[:2, :64, :64]
    alone, codec = ks.evaluation.CodecAlone(), ks.codecs.JPEG(qstep=8)
    curves = [
        ks.evaluation.rd_curve(alone, {name: picture}, codec, (4, 16), verbose=0)
        for name, picture in zip(("first", "second"), pictures)
    ]
    joined = ks.evaluation.join_pictures(curves)
    assert joined.pictures == ["first", "second"]
    assert (joined.bpp[:, 1:] == curves[1].bpp).all()
    ```

    Args:
        curves: results of `rd_curve` with the same strengths and metrics of one codec, whose pictures have names.

    Returns:
        An `RDCurve` of the pictures in the order in which they were given; its name and the versions of its packages
        are the first curve's.

    Raises:
        ValueError: no curves, curves that were not measured alike, pictures without names, or one that comes twice.
    """
    curves = list(curves)
    if not curves:
        raise ValueError("Expected at least one curve. Received none.")
    first = curves[0]
    for curve in curves:
        differing = [name for name in ALIKE if getattr(curve, name) != getattr(first, name)]
        if differing:
            raise ValueError(
                f"Expected curves that were measured alike. Received '{first.name}' and '{curve.name}', "
                f"which differ in {', '.join(differing)}; measure the pictures of one of them again."
            )
    names = [name for curve in curves for name in curve.pictures]
    if len(names) != sum(curve.bpp.shape[1] for curve in curves) or len(set(names)) < len(names):
        raise ValueError(
            "Expected pictures of which each has a name of its own. "
            f"Received {names}; pass `picture_names` to `rd_curve`."
        )
    return replace(
        first,
        bpp=np.concatenate([curve.bpp for curve in curves], axis=1),
        quality={
            metric: np.concatenate([curve.quality[metric] for curve in curves], axis=1)
            for metric in first.quality
        },
        pictures=names,
        sizes=[size for curve in curves for size in curve.sizes],
        per_frame={
            metric: [values for curve in curves for values in curve.per_frame[metric]]
            for metric in first.per_frame
            if all(metric in curve.per_frame for curve in curves)
        },
    )
