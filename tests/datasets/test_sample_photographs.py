import re
from importlib import resources

import numpy as np
import pytest

from keras_sandwich.datasets import sample_images, sample_names

FOLDER = resources.files("keras_sandwich.datasets") / "samples"
HELD_OUT = [
    *("astronaut_face", "astronaut_suit", "chelsea_eyes"),
    *("coffee_cup", "coffee_wood", "rocket"),
]


@pytest.mark.parametrize("split", ["train", "test"])
def test_samples_are_photographs(split):
    images, names = sample_images(split), sample_names(split)
    assert images.shape == (len(names), 256, 256, 3)
    assert images.dtype == np.uint8
    assert names == sorted(set(names))
    for image in images.astype(np.float32):
        assert image.std() > 10.0
        rows, columns = np.abs(np.diff(image, axis=0)), np.abs(np.diff(image, axis=1))
        assert rows.mean() < image.std()  # neighbours are alike: no noise, no wrong order
        assert columns.mean() < image.std()


def test_training_pictures_come_from_nine_photographs():
    names = sample_names("train")
    photographs = {re.sub(r"_\d+_\d+$", "", name) for name in names}
    assert len(photographs) == 9
    assert len(names) >= 25
    assert sample_names() == names
    np.testing.assert_array_equal(sample_images()[3], sample_images("train")[3])


def test_held_out_pictures_are_others():
    assert sample_names("test") == HELD_OUT
    train = sample_images("train").astype(np.float32).mean(axis=(1, 2))
    test = sample_images("test").astype(np.float32).mean(axis=(1, 2))
    assert np.abs(train[:, None] - test[None]).max(axis=-1).min() > 1.0


def test_samples_are_free_of_block_artefacts():
    """A picture that was a JPEG has larger steps at every eighth column than elsewhere."""
    for images in (sample_images("train"), sample_images("test")):
        luma = images.astype(np.float32).mean(axis=-1)
        steps = np.abs(luma[:, :, 1:-1] * 2 - luma[:, :, :-2] - luma[:, :, 2:]).mean(axis=(0, 1))
        phases = np.array([steps[phase::8].mean() for phase in range(8)])
        assert phases.max() / phases.mean() < 1.1


def test_every_sample_has_its_licence():
    text = (FOLDER / "LICENSES.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\S+)\.webp` \| (.+) \| (.+) \| (.+) \|$", text, re.MULTILINE)
    patterns = {pattern: licence for pattern, _, _, licence in rows}
    assert set(patterns.values()) == {"CC-BY-4.0", "CC0-1.0", "public domain"}
    for name in sample_names("train") + sample_names("test"):
        matches = [p for p in patterns if re.fullmatch(p.replace("*", r"\d+_\d+"), name)]
        assert len(matches) == 1, name
    assert "Changes made" in text
    assert "motorcycle" not in "".join(sample_names("train") + sample_names("test"))


def test_the_bundle_is_small():
    files = [
        file for folder in (FOLDER, FOLDER / "train", FOLDER / "test") for file in folder.iterdir()
    ]
    assert sum(len(file.read_bytes()) for file in files if file.is_file()) <= 3_000_000


@pytest.mark.parametrize("function", [sample_images, sample_names])
def test_unknown_splits_are_refused(function):
    with pytest.raises(ValueError, match=r"must be one of.*Received split='valid'"):
        function("valid")
