"""Files in the layouts of CompressAI's own results: of images, of papers, of video and of its ffmpeg benchmark."""

import json

import numpy as np
import pytest

from keras_sandwich.evaluation import bd_rate, load_results, plot_rd, rd_table, save_results

UVG = 1920 * 1080 * 120
VTM = {
    "name": "VTM-v15.0-lowdelay",
    "description": "VTM reference software, version 15.0",
    "results": {
        "qp": [22, 27, 32, 37, 42],
        "ms-ssim-rgb": [0.975803, 0.967076, 0.953502, 0.934046, 0.906625],
        "bitrate": [17790.914, 6960.894, 3032.360, 1379.074, 625.748],
        "psnr-rgb": [38.9325, 37.0104, 35.0579, 33.1958, 31.3210],
        "psnr-y": [42.6207, 40.2822, 37.9513, 35.6718, 33.3057],
        "psnr-u": [44.1647, 42.5892, 41.0589, 39.7478, 38.5623],
        "psnr-v": [44.2717, 42.8952, 41.5635, 40.3310, 39.2684],
        "psnr-yuv": [43.1532, 41.1022, 39.0713, 37.1277, 35.1756],
    },
}
SSF = {
    "name": "ssf2020-mse-ans-vimeo",
    "description": "Inference (ans), trained on Vimeo90k",
    "results": {
        "q": ["ssf2020-mse-1-c1ac1a47-ans", "ssf2020-mse-2-79ed4e19-ans"],
        "psnr-yuv": [35.7603, 36.9570],
        "ms-ssim-rgb": [0.926322, 0.940510],
        "mse-rgb": [39.4173, 29.5872],
        "psnr-rgb": [32.4647, 33.6516],
        "bitrate": [10416.947, 16466.675],
    },
}
AUTHORS = {
    "name": "ssf2020-from-authors",
    "description": "Numbers reported in [Agustsson2020]",
    "results": {"q": [1, 2], "psnr-rgb": [31.8495, 33.0860], "bitrate": [5011.502627, 7495.464799]},
}
FFMPEG = {
    "qp": [37, 32],
    "ms-ssim": [0.910193, 0.939659],
    "bpp": [0.0126022, 0.0246641],
    "rgb_psnr": [30.97315, 32.98601],
    "y_psnr": [34.42709, 36.97365],
    "u_psnr": [39.13526, 40.25906],
    "v_psnr": [39.80495, 40.85636],
}
PAPER = {
    "name": "elic2022",
    "description": "official results",
    "meta": {"source": "paper", "opt_metric": "ms-ssim-rgb", "device": None},
    "results": {"bpp": [0.1242, 0.1970], "ms-ssim-db-rgb": [11.593, 13.258]},
}


def loaded(tmp_path, content, **options):
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return load_results(path, **options)


@pytest.mark.parametrize(
    ("content", "metrics"),
    [
        (VTM, {"ms-ssim-rgb", "psnr-rgb", "psnr-y", "psnr-u", "psnr-v", "psnr-yuv"}),
        (SSF, {"psnr-yuv", "ms-ssim-rgb", "mse-rgb", "psnr-rgb"}),
        (AUTHORS, {"psnr-rgb"}),
    ],
)
def test_results_of_video_have_bit_rates_in_kbit_per_second(tmp_path, content, metrics):
    curve = loaded(tmp_path, content, pixels_per_second=UVG)
    results = content["results"]
    assert curve.name == content["name"]
    assert set(curve.quality) == metrics
    np.testing.assert_allclose(curve.mean_bpp * UVG / 1000, results["bitrate"])
    for metric in metrics:
        np.testing.assert_array_equal(curve.mean_quality(metric), results[metric])
    with pytest.raises(ValueError, match=r"kbit/s.*pass pixels_per_second=width \* height"):
        loaded(tmp_path, content)
    with pytest.raises(
        ValueError, match=r"`pixels_per_second` must be positive and finite. Received .*0"
    ):
        loaded(tmp_path, content, pixels_per_second=0)


def test_a_distance_among_them_is_better_lower(tmp_path):
    measures = loaded(tmp_path, SSF, pixels_per_second=UVG).measures
    assert [name for name, m in measures.items() if not m.higher_is_better] == ["mse-rgb"]
    assert measures["psnr-yuv"].axis == "PSNR of YUV (dB)"


def test_metrics_of_video_are_compared_shown_and_saved(tmp_path):
    one = loaded(tmp_path, VTM, pixels_per_second=UVG)
    half = VTM | {
        "results": VTM["results"] | {"bitrate": [r / 2 for r in VTM["results"]["bitrate"]]}
    }
    other = loaded(tmp_path, half, pixels_per_second=UVG)
    for metric in one.quality:
        assert bd_rate(one, other, metric) == pytest.approx(-50.0)
    assert rd_table([one], [0.02], "psnr-yuv").startswith("PSNR of YUV in dB at")
    (axes,) = plot_rd([one], metric="psnr-y").axes
    assert axes.get_ylabel() == "PSNR of Y (dB)"
    save_results(one, tmp_path / "again.json")
    again = load_results(tmp_path / "again.json")
    assert again.measures == one.measures
    np.testing.assert_array_equal(again.bpp, one.bpp)


def test_the_ffmpeg_benchmark_has_no_wrapping(tmp_path):
    curve = loaded(tmp_path, FFMPEG)
    assert curve.name == "theirs"
    assert set(curve.quality) == {"ms-ssim-rgb", "psnr-rgb", "psnr-y", "psnr-u", "psnr-v"}
    np.testing.assert_array_equal(curve.mean_bpp, FFMPEG["bpp"])
    np.testing.assert_array_equal(curve.mean_psnr, FFMPEG["rgb_psnr"])
    np.testing.assert_array_equal(curve.mean_quality("psnr-v"), FFMPEG["v_psnr"])


@pytest.mark.parametrize("key", ["ms-ssim-db-rgb", "ms-ssim-rgb-db", "ms-ssim-db"])
def test_ms_ssim_in_decibels_alone(tmp_path, key):
    results = {"bpp": [0.1242, 0.1970], key: [11.593, 13.258]}
    curve = loaded(tmp_path, PAPER | {"results": results})
    assert set(curve.quality) == {"ms-ssim-rgb"}
    np.testing.assert_allclose(curve.mean_scaled_quality("ms-ssim-rgb"), [11.593, 13.258])
    np.testing.assert_allclose(curve.mean_quality("ms-ssim-rgb"), [0.930705, 0.952772], atol=1e-6)


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(ValueError, match=r"no metric of .*'vmaf'.* beside \['bpp', 'time'\]"):
        loaded(tmp_path, {"results": {"bpp": [0.5], "time": [1.0]}})
    with pytest.raises(ValueError, match="JSON of another kind"):
        loaded(tmp_path, {"results": {"psnr-rgb": [30.0]}})
