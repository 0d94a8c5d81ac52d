"""Curves of some pictures each as one curve of all, which is that of one measurement."""

import dataclasses
import pickle

import numpy as np
import pytest
from photographs import photographs

from keras_sandwich.codecs import JPEG
from keras_sandwich.evaluation import (
    CodecAlone,
    RDCurve,
    join_pictures,
    load_results,
    rd_curve,
    save_results,
)

PICTURES = dict(zip("abc", photographs(3, 64, 80), strict=True))
METRICS = ("psnr-rgb", "ssim-rgb")


def measured(names):
    some = {name: PICTURES[name] for name in names}
    return rd_curve(CodecAlone(), some, JPEG(qstep=8), (4, 16), METRICS, verbose=0)


def test_joined_is_what_one_measurement_gives(tmp_path):
    whole = measured("abc")
    # As the benchmark does: one from its file, one from another process.
    save_results(measured("a"), tmp_path / "a.json")
    parts = [load_results(tmp_path / "a.json"), pickle.loads(pickle.dumps(measured("bc")))]
    joined = join_pictures(parts)
    for name in (field.name for field in dataclasses.fields(RDCurve)):
        if name not in ("bpp", "quality"):
            assert getattr(joined, name) == getattr(whole, name), name
    np.testing.assert_array_equal(joined.bpp, whole.bpp)
    for metric in METRICS:
        np.testing.assert_array_equal(joined.quality[metric], whole.quality[metric])


CURVE = RDCurve("one", "JPEG", [4], [[1.0]], {"psnr-rgb": [[30.0]]}, pictures=["a"])
OTHER = dataclasses.replace(CURVE, name="two", pictures=["b"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strengths": [5]}, "'one' and 'two', which differ in strengths"),
        ({"fingerprint": "ab"}, "differ in fingerprint"),
        ({"version": "2", "settings": {"qstep": 4}}, "differ in version, settings"),
        ({"quality": {"ssim-rgb": [[0.5]]}, "measures": {}}, "differ in measures"),
        ({"pictures": ["a"]}, r"a name of its own. Received \['a', 'a'\]"),
        ({"pictures": []}, "a name of its own"),
    ],
)
def test_what_was_not_measured_alike_is_refused(change, message):
    assert join_pictures([CURVE, OTHER]).pictures == ["a", "b"]
    with pytest.raises(ValueError, match=message):
        join_pictures([CURVE, dataclasses.replace(OTHER, **change)])


def test_no_curves():
    with pytest.raises(ValueError, match="Received none"):
        join_pictures([])
