"""Files of results: read by plain json, as CompressAI's plot tool reads them, and back."""

import json
import os

import numpy as np
import pytest

from keras_sandwich.evaluation import (
    Measure,
    RDCurve,
    confidence_interval,
    load_results,
    save_results,
)

RNG = np.random.default_rng(0)
CURVE = RDCurve(
    "sandwich “γ = 700”",
    "WebP 4:2:0",
    [3.0, 20.0, 55.5],
    RNG.uniform(0.1, 2, (3, 2)),
    {"psnr-rgb": RNG.uniform(20, 40, (3, 2)), "ms-ssim-rgb": RNG.uniform(0.5, 1, (3, 2))},
    version="Pillow 13.0.0, libwebp 1.6.0",
    settings={"class": "WebP", "quality": 80, "tables": [[1, 2], [3, 4]]},
    pictures=["a.png", "ä.png"],
    sizes=[(256, 128), (64, 32)],
    sources=["γ 700", "γ 700", "γ 300"],
    measured=[True, False, True],
    packages={"keras-sandwich": "0.1.0", "numpy": "2.4.6"},
    fingerprint="0123abcd",
)


def compressai_points(path, metric):
    """What `python -m compressai.utils.plot` takes from a file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return content["name"], content["results"]["bpp"], content["results"][metric]


def test_compressai_s_layout(tmp_path):
    save_results(CURVE, tmp_path / "ours.json")
    for metric in CURVE.quality:
        name, bpp, values = compressai_points(tmp_path / "ours.json", metric)
        assert name == "sandwich “γ = 700”"
        np.testing.assert_allclose(bpp, CURVE.bpp.sum(axis=1) / 2, rtol=1e-12)
        np.testing.assert_allclose(values, CURVE.quality[metric].sum(axis=1) / 2, rtol=1e-12)
    content = json.loads((tmp_path / "ours.json").read_text(encoding="utf-8"))
    assert content["description"] == (
        "WebP 4:2:0 (Pillow 13.0.0, libwebp 1.6.0). Bits: whole file. Means over 2 pictures."
    )


def test_round_trip(tmp_path):
    save_results(CURVE, tmp_path / "curve.json")
    loaded = load_results(str(tmp_path / "curve.json"))
    for name in vars(CURVE):
        given, returned = getattr(CURVE, name), getattr(loaded, name)
        if name in ("bpp", "quality"):
            continue
        assert returned == given, name
    np.testing.assert_array_equal(loaded.bpp, CURVE.bpp)
    assert list(loaded.quality) == list(CURVE.quality)
    for metric, values in CURVE.quality.items():
        np.testing.assert_array_equal(loaded.quality[metric], values)


def test_what_little_a_curve_may_know(tmp_path):
    save_results(RDCurve("c", "c", [1], [[1.0]], {}), tmp_path / "curve.json")
    loaded = load_results(tmp_path / "curve.json")
    assert (loaded.pictures, loaded.sizes, loaded.sources, loaded.quality) == ([], [], [], {})


def test_a_file_of_compressai(tmp_path):
    content = {
        "name": "mbt2018-mse",
        "description": "Inference (ans)",
        "results": {
            "psnr": [28.084, 29.64, 31.354],
            "ms-ssim": [0.9206, 0.9431, 0.9627],
            "bpp": [0.1105, 0.187, 0.2877],
            "encoding_time": [3.36, 3.14, 3.64],
        },
    }
    (tmp_path / "theirs.json").write_text(json.dumps(content))
    curve = load_results(tmp_path / "theirs.json")
    assert curve.name == "mbt2018-mse"
    assert curve.codec == "Inference (ans)"
    assert set(curve.quality) == {"psnr-rgb", "ms-ssim-rgb"}
    np.testing.assert_array_equal(curve.mean_bpp, [0.1105, 0.187, 0.2877])
    np.testing.assert_array_equal(curve.mean_psnr, [28.084, 29.64, 31.354])
    np.testing.assert_array_equal(curve.mean_quality("ms-ssim-rgb"), [0.9206, 0.9431, 0.9627])
    assert curve.bits_counted != "whole file"
    with pytest.raises(ValueError, match="means alone"):
        confidence_interval(lambda c: c.psnr_at(0.2), curve)
    newer = {"results": {"bpp": [0.5], "psnr-rgb": [30]}}
    (tmp_path / "newer.json").write_text(json.dumps(newer))
    assert load_results(tmp_path / "newer.json").name == "newer"


def damaged(**changes):
    def change(content):
        for key, value in changes.items():
            *path, last = key.split("__")
            inner = content
            for step in path:
                inner = inner[step]
            if value is None:
                del inner[last]
            else:
                inner[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (damaged(codec=None), "damaged: no 'codec'"),
        (damaged(per_picture__bpp=None), "damaged: no 'bpp'"),
        (damaged(per_picture__bpp=[[1.0, 2.0]]), "damaged: .*one shape"),
        (damaged(per_picture__bpp=[[1.0], [2.0, 3.0], [1.0, 1.0]]), "damaged"),
        (damaged(per_picture__bpp=[["1", "2"]] * 3), "damaged: expected lists of numbers"),
        (damaged(per_picture__bpp=[[-1.0, 2.0]] * 3), "damaged: .*rates of 0 or less"),
        (damaged(per_picture=7), "damaged"),
        (damaged(strengths=[1.0]), "damaged: .*`strengths` of length 3"),
        (damaged(pictures=["one"]), "damaged: .*`pictures` of length 2"),
        (damaged(results__bpp=[1.0, 2.0, 3.0]), "means of 'bpp' are not those of the pictures"),
        (damaged(**{"results__psnr-rgb": [1.0, 2.0]}), "means of 'psnr-rgb'"),
        (damaged(results__bpp=None), "Received JSON of another kind"),
        (damaged(results=[1, 2]), "Received JSON of another kind"),
    ],
)
def test_damaged_files_are_refused_in_words(tmp_path, change, message):
    save_results(CURVE, tmp_path / "curve.json")
    content = json.loads((tmp_path / "curve.json").read_text(encoding="utf-8"))
    change(content)
    (tmp_path / "curve.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message) as caught:
        load_results(tmp_path / "curve.json")
    assert "curve.json" in str(caught.value)


def test_files_that_hold_something_else(tmp_path):
    save_results(CURVE, tmp_path / "curve.json")
    whole = (tmp_path / "curve.json").read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"\xff\xd8\xff\xe0 a JPEG"):
        (tmp_path / "other.json").write_bytes(content)
        with pytest.raises(ValueError, match="is not JSON, or was cut short"):
            load_results(tmp_path / "other.json")
    for content in (b"[]", b"{}", b"3", b'{"results": {"psnr": [1]}}'):
        (tmp_path / "other.json").write_bytes(content)
        with pytest.raises(ValueError, match="JSON of another kind"):
            load_results(tmp_path / "other.json")
    for results in (
        {"bpp": [1], "time": [1]},
        {"bpp": 1, "psnr": [1]},
        {"bpp": [1], "psnr": [1, 2]},
    ):
        (tmp_path / "other.json").write_text(json.dumps({"results": results}))
        with pytest.raises(ValueError, match="damaged"):
            load_results(tmp_path / "other.json")
    with pytest.raises(FileNotFoundError):
        load_results(tmp_path / "none.json")


def test_settings_that_json_cannot_hold(tmp_path):
    curve = RDCurve("c", "c", [1], [[1.0]], {}, settings={"codec": object()})
    with pytest.raises(TypeError):
        save_results(curve, tmp_path / "curve.json")
    assert not (tmp_path / "curve.json").exists()


def test_measures_come_back_with_direction_and_unit(tmp_path):
    measures = {
        "angle": Measure("angle", np.mean, "mean angle", "°", higher_is_better=False, decimals=1),
        "alike": Measure("alike", np.mean, similarity=True),
    }
    quality = {"angle": [[3.0], [5.0]], "alike": [[0.9], [0.8]], "psnr-rgb": [[30.0], [28.0]]}
    curve = RDCurve("c", "c", [1, 2], [[1.0], [0.5]], quality, measures=measures)
    save_results(curve, tmp_path / "curve.json")
    loaded = load_results(tmp_path / "curve.json")
    assert loaded.measures == curve.measures
    assert loaded.measures["angle"].axis == "mean angle (°), lower is better"
    _, bpp, values = compressai_points(tmp_path / "curve.json", "angle")
    assert (bpp, values) == ([1.0, 0.5], [3.0, 5.0])
    content = json.loads((tmp_path / "curve.json").read_text(encoding="utf-8"))
    del content["measures"]  # as files had none at first
    (tmp_path / "older.json").write_text(json.dumps(content))
    assert load_results(tmp_path / "older.json").measures["angle"].higher_is_better


@pytest.mark.parametrize("name", [b"caf\xe9.png", b"\xff\xfe", "ä–写😀.png".encode(), b"a\\udce9"])
def test_every_name_of_the_file_system_comes_back(tmp_path, name):
    name = os.fsdecode(name)
    curve = RDCurve(name, "c", [1], [[1.0]], {"psnr-rgb": [[30.0]]}, pictures=[name])
    save_results(curve, tmp_path / "curve.json")
    loaded = load_results(tmp_path / "curve.json")
    assert (loaded.name, loaded.pictures) == (name, [name])
    with open(tmp_path / "curve.json", encoding="utf-8") as file:  # as others read it
        assert json.load(file)["pictures"] == [name]


def test_a_good_file_survives_what_cannot_be_written(tmp_path):
    save_results(CURVE, tmp_path / "curve.json")
    good = (tmp_path / "curve.json").read_bytes()
    with pytest.raises(TypeError):
        save_results(
            RDCurve("c", "c", [1], [[1.0]], {}, settings={"codec": object()}),
            tmp_path / "curve.json",
        )
    assert (tmp_path / "curve.json").read_bytes() == good
    assert [path.name for path in tmp_path.iterdir()] == ["curve.json"]


def test_few_digits_and_a_line_for_each_row(tmp_path):
    save_results(CURVE, tmp_path / "short.json", digits=4)
    loaded = load_results(tmp_path / "short.json")  # which compares the means
    rounded = [[float(f"{value:.4g}") for value in row] for row in CURVE.bpp]
    np.testing.assert_array_equal(loaded.bpp, rounded)
    np.testing.assert_allclose(loaded.psnr, CURVE.psnr, rtol=5e-4)
    text = (tmp_path / "short.json").read_text(encoding="utf-8")
    first, second = loaded.psnr[0]
    assert f"[{first}, {second}],\n" in text
    for digits in (0, 1.5):
        with pytest.raises(ValueError, match="digits"):
            save_results(CURVE, tmp_path / "none.json", digits=digits)


def test_files_of_before_fingerprints(tmp_path):
    save_results(CURVE, tmp_path / "curve.json")
    content = json.loads((tmp_path / "curve.json").read_text(encoding="utf-8"))
    assert content.pop("fingerprint") == "0123abcd"
    (tmp_path / "older.json").write_text(json.dumps(content))
    assert load_results(tmp_path / "older.json").fingerprint == ""
