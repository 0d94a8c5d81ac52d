"""Pictures from folders, files, dicts and lists, against Pillow's own reading."""

import numpy as np
import pytest
from photographs import photographs
from PIL import Image

import keras_sandwich as ks
from keras_sandwich.evaluation import (
    CodecAlone,
    best_subsampling,
    compare_at,
    rd_curve,
    untrained_baselines,
)
from keras_sandwich.evaluation.measured_pictures import measured_pictures

PICTURES = [photographs(1, 24, 40)[0], photographs(2, 33, 48)[1]]
JPEG = ks.codecs.JPEG(qstep=1)


class Keyed:
    """A system that knows the names of its tensors."""

    def __init__(self, *keys):
        self.model_keys = keys


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "deeper").mkdir()
    Image.fromarray(PICTURES[0]).save(tmp_path / "first.png")
    Image.fromarray(PICTURES[1]).save(tmp_path / "deeper" / "second.png")
    return tmp_path


def assert_pictures(found, names, pictures):
    assert found.names == names
    assert len(found.pictures) == len(pictures)
    for ours, theirs in zip(found.pictures, pictures, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_array_equal(ours, theirs)


def test_folders_files_and_lists_of_files(folder):
    both = ["deeper/second", "first"]
    for path in (folder, str(folder)):
        assert_pictures(measured_pictures(CodecAlone(), path), both, PICTURES[::-1])
    file = folder / "first.png"
    assert_pictures(measured_pictures(CodecAlone(), file), ["first"], PICTURES[:1])
    files = [file, str(folder / "deeper" / "second.png")]
    assert_pictures(measured_pictures(CodecAlone(), files), ["first", "second"], PICTURES)
    named = measured_pictures(CodecAlone(), folder, picture_names=["b", "a"])
    assert named.names == ["b", "a"]
    with pytest.raises(FileNotFoundError, match="no such folder"):
        measured_pictures(CodecAlone(), folder / "none")
    with pytest.raises(ValueError, match="of 8 bits, and this system is for pictures of 10"):
        measured_pictures(CodecAlone(num_truncate_bits=2), folder)


def test_pictures_by_their_names(folder):
    loaded = ks.datasets.load_images(folder)
    for system in (CodecAlone(), Keyed("image"), object()):
        found = measured_pictures(system, loaded)
        assert_pictures(found, list(loaded), list(loaded.values()))
        assert found.build_shape == (None, None, None, 3)


def test_tensors_by_the_model_s_keys():
    depth = [picture[..., :1] for picture in PICTURES]
    for images in ({"colour": PICTURES, "depth": depth}, {"depth": depth, "colour": PICTURES}):
        found = measured_pictures(Keyed("colour", "depth"), images)
        together = [np.concatenate(pair, axis=-1) for pair in zip(PICTURES, depth, strict=True)]
        assert_pictures(found, [], together)
        assert found.build_shape == {
            "colour": (None, None, None, 3),
            "depth": (None, None, None, 1),
        }
    batch = measured_pictures(Keyed("image"), {"image": PICTURES[0][None]})
    assert_pictures(batch, [], PICTURES[:1])


def test_dicts_that_may_be_either_are_refused_in_words():
    with pytest.raises(ValueError, match=r"not clear whether \['image', 'other'\] are names"):
        measured_pictures(Keyed("image"), {"image": PICTURES[0], "other": PICTURES[1]})
    with pytest.raises(ValueError, match=r"keys \('colour', 'depth'\) takes a dict by them"):
        measured_pictures(Keyed("colour", "depth"), {"first": PICTURES[0]})
    with pytest.raises(ValueError, match=r"lacks \['depth'\]"):
        measured_pictures(Keyed("colour", "depth"), {"colour": PICTURES})


def test_every_function_takes_a_folder_and_a_dict(folder):
    loaded, model = ks.datasets.load_images(folder), ks.models.create_linear_baseline(1)
    plain = rd_curve(model, PICTURES[::-1], JPEG, (8, 32), verbose=0)
    for images in (folder, loaded):
        curve = rd_curve(model, images, JPEG, (8, 32), verbose=0)
        assert curve.pictures == ["deeper/second", "first"]
        np.testing.assert_array_equal(curve.bpp, plain.bpp)
        np.testing.assert_array_equal(curve.psnr, plain.psnr)
        best = best_subsampling(CodecAlone(), images, JPEG, (8, 32), verbose=0)
        assert best.pictures == ["deeper/second", "first"]
    baselines = untrained_baselines(model, folder, JPEG, (8, 32), verbose=0)
    assert all(curve.pictures == ["deeper/second", "first"] for curve in baselines)
    np.testing.assert_array_equal(baselines[0].psnr, plain.psnr)
    given = untrained_baselines(model, loaded, JPEG, (8,), picture_names=["b", "a"], verbose=0)
    assert all(curve.pictures == ["b", "a"] for curve in given)
    by_file = compare_at({"a": model}, folder / "first.png", JPEG, 2.0)
    by_name = compare_at({"a": model}, {"first": PICTURES[0]}, JPEG, 2.0)
    for comparison in (by_file, by_name):
        assert comparison.name == "first"
        np.testing.assert_array_equal(comparison.original, PICTURES[0])
        assert comparison.versions["a"][1] <= 2.0
    with pytest.raises(ValueError, match=r"Expected one picture\. Received 2"):
        compare_at({"a": model}, loaded, JPEG, 2.0)
