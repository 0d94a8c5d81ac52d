"""The folder that is a site: what is written into it, and what is refused."""

import json

import pytest
from autodiff import BACKEND
from small_models import sandwich

import keras_sandwich as ks
from keras_sandwich.files.networks import load_network
from keras_sandwich.web import write_site
from keras_sandwich.web.site import RUNTIME_FILES, describe_network

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(BACKEND == "jax", reason="JAX exports programs of known sizes"),
]


@pytest.fixture
def runtime(tmp_path):
    """A folder that holds files of the names of ONNX Runtime Web's."""
    folder = tmp_path / "onnxruntime-web" / "dist"
    folder.mkdir(parents=True)
    for name in RUNTIME_FILES:
        (folder / name).write_text(name)
    return folder.parent


def test_a_site_is_whole(tmp_path, runtime):
    pytest.importorskip("onnxscript")
    onnx = pytest.importorskip("onnx")
    model = sandwich(bottleneck_channels=3, downsample_factor=2)
    samples = {"a picture.jpg": b"coded"}
    page = write_site(model, tmp_path / "site", runtime=runtime, samples=samples)
    assert page == tmp_path / "site" / "index.html"
    assert (page.parent / "runtime" / RUNTIME_FILES[0]).read_text() == RUNTIME_FILES[0]
    assert (page.parent / "samples" / "a picture.jpg").read_bytes() == b"coded"
    assert json.loads((page.parent / "samples" / "samples.json").read_text()) == list(samples)
    about = json.loads((page.parent / "network" / "network.json").read_text())
    assert about["fingerprint"] == ks.presets.fingerprint(model.postprocessor)[:32]
    assert (about["factor"], about["resamples"], about["conditioned"]) == (2, True, False)
    graph = onnx.load(page.parent / "network" / about["file"]).graph
    assert [part.name for part in graph.input] == ["images", "rows", "columns"]
    names = {path.relative_to(page.parent).as_posix() for path in page.parent.rglob("*.js")}
    for name in names:  # nothing that the page imports is missing
        for line in (page.parent / name).read_text(encoding="utf-8").splitlines():
            if line.startswith("import ") and "from" in line:
                imported = (page.parent / name).parent / line.split('"')[1]
                assert imported.resolve().relative_to(page.parent.resolve()).as_posix() in names


def test_what_the_page_is_told_of_a_preset():
    about = describe_network(load_network("grayscale"))
    assert about["name"] == "grayscale"
    assert (about["macroblock"], about["alignment"], about["radius"]) == (16, 16, 70)
    assert about["conditioned"]
    assert about["qstep"] == pytest.approx((8 * 96) ** 0.5, rel=1e-5)


def test_a_runtime_that_is_not_there(tmp_path, runtime, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = sandwich()
    with pytest.raises(ValueError, match=r"npm install onnxruntime-web@1\.[0-9.]+` and pass"):
        write_site(model, tmp_path / "site")
    (runtime / "dist" / RUNTIME_FILES[2]).unlink()
    with pytest.raises(ValueError, match="which lacks"):
        write_site(model, tmp_path / "site", runtime=runtime)
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [({"num_truncate_bits": 2}, "Received a model of 10"), ({"own": True}, "of its own kind")],
)
def test_networks_that_no_page_runs(options, words):
    model = sandwich(**{name: value for name, value in options.items() if name != "own"})
    if "own" in options:
        import keras

        side = model.postprocessor
        own = keras.layers.Conv2D(3, 3, padding="same", name="own")
        model = ks.models.CompressIntraModel(
            model.preprocessor, ks.models.Postprocessor(3, own), model.codec_proxy
        )
        assert side is not model.postprocessor
    with pytest.raises(ValueError, match=words):
        describe_network(load_network(model))


def test_a_model_without_a_postprocessor():
    model = sandwich()
    model.postprocessor = None
    with pytest.raises(ValueError, match="postprocessor is none"):
        describe_network(load_network(model))
