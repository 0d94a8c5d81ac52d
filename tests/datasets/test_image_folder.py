import os
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
from dataset_truth import lanczos3, places, symmetries
from PIL import Image

from keras_sandwich.datasets import ImageFolder, image_folder
from keras_sandwich.datasets.crop_dataset import UnusablePicture

CROP = 16


def plain(pictures, **arguments):
    """A dataset without anything random, unless asked for."""
    defaults = {"crop_size": CROP, "batch_size": 4, "shuffle": False, "random_crop": False}
    return image_folder(pictures, **{**defaults, "augment": False, **arguments})


def numbered(count, size=CROP):
    """Pictures that tell their number by their value."""
    return [np.full((size, size, 3), number, np.uint8) for number in range(count)]


def numbers(batch):
    return batch[:, 0, 0, 0].astype(int).tolist()


def batches(dataset, epochs):
    return [dataset.batch(i, epoch) for epoch in epochs for i in range(len(dataset))]


# What a batch is


def test_batches_are_float_pixels_of_the_crop_size(folder):
    dataset = image_folder(folder, crop_size=CROP, batch_size=3)
    assert isinstance(dataset, keras.utils.PyDataset)
    assert isinstance(dataset, ImageFolder)
    batch = dataset[0]
    assert batch.shape == (3, CROP, CROP, 3)
    assert batch.dtype == np.float32
    assert batch.max() > 1.0
    assert len(dataset) == 2
    with pytest.raises(IndexError, match=r"\[0, 2\).*index=2"):
        dataset[2]


def test_search_is_recursive_and_sorted(folder, photographs):
    (folder / ".hidden").mkdir()
    for copy in ("z.png", ".hidden/b.png"):
        (folder / copy).write_bytes((folder / "b.png").read_bytes())
    dataset = plain(folder, batch_size=6)
    names = [os.path.relpath(name, folder).replace(os.sep, "/") for name in dataset.names]
    assert names == ["a.PNG", "b.png", "sub/c.png", "sub/d.webp", "sub/deeper/e.bmp", "z.png"]
    for crop, number in zip(dataset[0], [1, 0, 2, 4, 3, 0], strict=True):
        pixels = photographs[number]
        top, left = ((length - CROP) // 2 for length in pixels.shape[:2])
        np.testing.assert_array_equal(crop, pixels[top : top + CROP, left : left + CROP])


def test_crops_are_cut_out_of_the_photographs(folder, photographs):
    dataset = plain(folder, shuffle=True, random_crop=True, steps_per_epoch=5)
    found = [places(crop, photographs) for batch in batches(dataset, [0]) for crop in batch]
    assert all(len(hits) == 1 for hits in found)
    assert len({hits[0] for hits in found}) == 20
    assert {hits[0][0] for hits in found} == set(range(5))


def test_every_place_of_the_crop_is_drawn_up_to_the_edges():
    pixels = np.zeros((CROP + 2, CROP + 1, 3), np.uint8)
    pixels[..., 0] = np.arange(CROP + 2)[:, None]
    pixels[..., 1] = np.arange(CROP + 1)
    corners = plain([pixels], random_crop=True, batch_size=100, steps_per_epoch=1)[0][:, 0, 0, :2]
    assert {tuple(corner) for corner in corners.tolist()} == {
        (y, x) for y in range(3) for x in range(2)
    }


def test_augmentation_turns_and_flips(photographs):
    pixels = photographs[0][:CROP, :CROP]
    crops = plain([pixels], augment=True, batch_size=100, steps_per_epoch=1)[0]
    drawn = [[np.array_equal(crop, s) for s in symmetries(pixels)].index(True) for crop in crops]
    assert set(drawn) == set(range(8))


@pytest.mark.parametrize("factor", [2, 3])
def test_reduction_is_lanczos(photographs, factor):
    crop = np.s_[: 12 * factor, : 12 * factor]
    pictures = [photographs[0][crop], photographs[1][crop].astype(np.float32)]
    reduced = plain(pictures, crop_size=12, reduction=factor, batch_size=2)[0]
    for picture, result in zip(pictures, reduced, strict=True):
        rows = lanczos3(picture.astype(np.float64), factor)
        expected = lanczos3(rows.transpose(1, 0, 2), factor).transpose(1, 0, 2)
        np.testing.assert_allclose(result, np.clip(expected, 0, 255), atol=2e-3)


def test_reduction_clips_what_the_filter_overshoots():
    edge = np.zeros((2 * CROP, 2 * CROP, 3), np.uint8)
    edge[:, CROP:] = 255
    reduced = plain([edge], reduction=2, batch_size=1)[0]
    assert reduced.min() == 0
    assert reduced.max() == 255


# Files of all kinds


def test_exif_orientation_is_applied(tmp_path):
    pixels = np.zeros((24, CROP, 3), np.uint8)
    pixels[:12] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90° clockwise
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    crop = plain(tmp_path, batch_size=1)[0][0]
    np.testing.assert_array_equal(crop, np.rot90(pixels, -1)[:, 4:20])


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "CMYK", "I;16"])
def test_every_mode_becomes_three_colours(tmp_path, mode):
    pixels = np.zeros((CROP, CROP, 3), np.uint8)
    pixels[:, :8] = 255
    if mode == "I;16":
        picture = Image.fromarray(pixels[..., 0].astype(np.uint16) * 128)  # 32640, not saturated
        expected = np.where(pixels == 255, 127.0, 0.0)
    else:
        picture = Image.fromarray(pixels)
        if mode in ("RGBA", "LA"):
            picture.putalpha(100)
        picture, expected = picture.convert(mode), pixels
    assert picture.mode == mode
    picture.save(tmp_path / ("picture.tif" if mode == "CMYK" else "picture.png"))
    np.testing.assert_array_equal(plain(tmp_path, batch_size=1)[0][0], expected)


def test_a_list_of_files_and_arrays_is_taken_in_its_order(folder, photographs):
    dataset = plain([str(folder / "b.png"), photographs[1], folder / "sub" / "c.png"])
    assert dataset.names[1] == "pictures[1]"
    expected = plain(photographs[:3])[0]
    np.testing.assert_array_equal(dataset[0], expected)


# Bad input


def test_missing_and_unreadable_folders_are_refused(folder, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"no such folder.*nowhere"):
        image_folder(folder / "nowhere")
    with pytest.raises(NotADirectoryError, match=r"must be a folder.*b\.png"):
        image_folder(folder / "b.png")
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match=r"holds no pictures.*empty.*\.png"):
        image_folder(folder / "empty")

    real = os.scandir

    def scandir(place):
        if str(place).endswith("deeper"):
            raise PermissionError(13, "Permission denied", str(place))
        return real(place)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(PermissionError, match=r"deeper.*cannot be read.*Permission denied"):
        image_folder(folder)


def test_pictures_smaller_than_the_crop_are_named_and_left_out(folder):
    with pytest.warns(UserWarning, match=r"= 42 pixels \(1\):.*b\.png \(52×40\)"):
        dataset = image_folder(folder, crop_size=21, reduction=2, batch_size=4)
    assert len(dataset.names) == 4
    assert len(dataset) == 1
    with pytest.raises(ValueError, match=r"at least 64×64.*Smaller than.*b\.png.*e\.bmp"):
        image_folder(folder, crop_size=64)


def test_corrupt_files_are_named_and_left_out(folder, photographs):
    jpeg = folder / "truncated.jpg"
    Image.fromarray(photographs[0]).save(jpeg)
    jpeg.write_bytes(jpeg.read_bytes()[:-200])
    (folder / "garbage.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (folder / "void.png").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"Cannot be read \(3\)") as caught:
        dataset = plain(folder, batch_size=5)
    for name in ("truncated.jpg", "garbage.png", "void.png"):
        assert name in str(caught[0].message)
    np.testing.assert_array_equal(dataset[0], plain(dataset.names, batch_size=5)[0])


def test_floating_point_files_are_left_out(folder):
    Image.fromarray(np.ones((40, 40), np.float32)).save(folder / "depth.tif")
    with pytest.warns(UserWarning, match=r"depth\.tif.*pass the array instead"):
        assert len(plain(folder).names) == 5


def test_nothing_but_corrupt_files_is_an_error(tmp_path):
    (tmp_path / "void.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"None of the pictures.*void\.png"):
        image_folder(tmp_path)


@pytest.mark.parametrize("damage", ["removed", "shrunk"])
def test_a_file_that_goes_bad_later_is_replaced(folder, photographs, damage):
    arguments = {"crop_size": CROP, "batch_size": 5, "augment": False, "cache": False}
    dataset = image_folder(folder, workers=3, **arguments)
    alone = image_folder(folder, workers=0, **arguments)
    before = dataset.batch(0)
    file = folder / "sub" / "c.png"
    if damage == "removed":
        file.unlink()
    else:
        Image.fromarray(photographs[0][:8]).save(file)
    with pytest.warns(UserWarning, match=r"c\.png.*Another picture is used instead") as caught:
        after = dataset.batch(0)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(dataset.batch(0), after)  # the same, and warned of once
    changed = [i for i in range(5) if not np.array_equal(before[i], after[i])]
    assert len(changed) == 1
    hits = places(after[changed[0]], photographs)
    assert hits
    assert hits[0][0] != 2
    with pytest.warns(UserWarning, match="Another picture"):
        np.testing.assert_array_equal(alone.batch(0), after)


def test_a_file_that_goes_bad_does_not_matter_when_it_is_cached(folder):
    dataset = image_folder(folder, crop_size=CROP, batch_size=5)
    before = dataset.batch(0)
    (folder / "b.png").unlink()
    np.testing.assert_array_equal(dataset.batch(0), before)


def test_the_cache_is_limited(folder, photographs, monkeypatch):
    room = sum(photographs[number].nbytes for number in (1, 0, 2)) + 100
    monkeypatch.setattr(sys.modules[image_folder.__module__], "CACHE_BYTES", room)
    dataset = image_folder(folder, crop_size=CROP)
    for name in dataset.names:
        os.remove(name)
    for number, photograph in enumerate([1, 0, 2]):
        np.testing.assert_array_equal(dataset.read(number), photographs[photograph])
    for number in (3, 4):
        with pytest.raises(UnusablePicture, match="can no longer be read"):
            dataset.read(number)


def test_all_files_gone_is_an_error(folder):
    dataset = image_folder(folder, crop_size=CROP, cache=False)
    for name in dataset.names:
        os.remove(name)
    with (
        pytest.warns(UserWarning, match="no longer"),
        pytest.raises(OSError, match="None of the 5 pictures"),
    ):
        dataset.batch(0)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((20, 20, 3), np.nan), r"pictures\[1\] has 1200 NaN or infinite values"),
        (np.full((20, 20), np.inf, np.float32), r"pictures\[1\] has 400 NaN or infinite"),
        (np.full((20, 20, 3), 256.0), r"pictures\[1\].*\[0, 255\].*256"),
        (np.full((20, 20, 3), -1), r"pictures\[1\].*\[0, 255\].*-1"),
        (np.zeros((20, 20, 2)), r"pictures\[1\].*shape \(20, 20, 2\)"),
        (np.zeros((1, 20, 20, 3)), r"pictures\[1\].*shape \(1, 20, 20, 3\)"),
        (np.zeros((20, 20, 3), bool), r"pictures\[1\].*dtype bool"),
    ],
)
def test_bad_arrays_are_refused_by_name(array, message):
    with pytest.raises(ValueError, match=message):
        plain([np.zeros((20, 20, 3), np.uint8), array])


@pytest.mark.parametrize("pictures", [[], 5, None])
def test_no_pictures_at_all_are_refused(pictures):
    with pytest.raises(ValueError, match=r"`path` must.*Received"):
        image_folder(pictures)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("crop_size", 0),
        ("crop_size", 16.0),
        ("batch_size", -1),
        ("steps_per_epoch", 0),
        ("reduction", 0),
        ("reduction", True),
        ("reduction", 1.5),
        ("seed", -1),
        ("seed", 2**32),
        ("initial_epoch", -1),
        ("workers", -1),
    ],
)
def test_bad_numbers_are_refused(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be.*Received {name}={value}"):
        image_folder(numbered(2), **{"crop_size": CROP, name: value})


def test_bad_epochs_are_refused():
    dataset = image_folder(numbered(2), crop_size=CROP)
    with pytest.raises(ValueError, match="`epoch` must be"):
        dataset.epoch = -1
    with pytest.raises(ValueError, match="`epoch` must be"):
        dataset.batch(0, epoch=0.5)


def test_pillow_and_tensorflow_datasets_are_needed_only_when_used():
    program = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("PIL", "tensorflow_datasets"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import numpy as np
from keras_sandwich import datasets
assert datasets.image_folder([np.zeros((9, 9, 3))], crop_size=8, batch_size=1)[0].sum() == 0
for call, extra in [
    (lambda: datasets.image_folder("."), "media"),
    (lambda: datasets.image_folder(["a.png"]), "media"),
    (lambda: datasets.image_folder([np.zeros((9, 9, 3))], crop_size=4, reduction=2), "media"),
    (datasets.sample_images, "media"),
    (datasets.load_tfds_images, "datasets"),
]:
    try:
        call()
    except ImportError as error:
        assert f'pip install "keras-sandwich[{extra}]"' in str(error), error
    else:
        raise AssertionError("no ImportError")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
