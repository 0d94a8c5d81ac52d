import os
import subprocess
import sys
import warnings
from importlib.util import find_spec

import keras
import numpy as np
import pytest
from dataset_truth import Recorder, lanczos3, places, symmetries

from keras_sandwich.callbacks import SynchronizeEpoch
from keras_sandwich.datasets import load_tfds_images, sample_images

# Not imported here, where every process that collects the tests would spend seconds on them.
for needed in ("tensorflow", "tensorflow_datasets"):
    if find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed", allow_module_level=True)

CROP = 16
READERS = ["tf.data", "data_source"]
PHOTOGRAPHS = [p[: 34 + 4 * i, : 50 - 3 * i] for i, p in enumerate(sample_images("test")[:5])]
TOO_SMALL = sample_images("test")[5][:40, : CROP - 1]


def photographs_builder(**options):
    import tensorflow_datasets as tfds

    with tfds.core.registered.skip_registration():  # so that it is found by its files

        class Photographs(tfds.core.GeneratorBasedBuilder):
            """Real photographs, one of them too small, in the pixel formats tfds knows."""

            VERSION = tfds.core.Version("1.0.0")

            def _info(self):
                image = tfds.features.Image
                features = {
                    "image": image(shape=(None, None, 3)),
                    "gray": image(shape=(None, None, 1)),
                    "alpha": image(shape=(None, None, 4)),
                    "deep": image(shape=(None, None, 1), dtype=np.uint16, encoding_format="png"),
                    "edge": image(shape=(None, None, 1)),
                    "damaged": image(shape=(None, None, 1), dtype=np.float32),
                    "label": tfds.features.ClassLabel(num_classes=2),
                }
                return tfds.core.DatasetInfo(
                    builder=self, features=tfds.features.FeaturesDict(features)
                )

            def _split_generators(self, dl_manager):
                return {"train": self._generate_examples([*PHOTOGRAPHS, TOO_SMALL])}

            def _generate_examples(self, photographs):
                for number, pixels in enumerate(photographs):
                    damaged = pixels[..., :1].astype(np.float32)
                    if number == 2:
                        damaged[:, 20] = np.nan
                    yield (
                        number,
                        {
                            "image": pixels,
                            "gray": pixels[..., 1:2],
                            "alpha": np.concatenate([pixels, pixels[..., :1]], axis=-1),
                            "deep": pixels[..., :1].astype(np.uint16) * 257,
                            "edge": np.where(
                                np.arange(pixels.shape[1]) < pixels.shape[1] // 2, 0, 255
                            )
                            .astype(np.uint8)[None, :, None]
                            .repeat(len(pixels), axis=0),
                            "damaged": damaged,
                            "label": number % 2,
                        },
                    )

    return Photographs(**options)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The dataset in the format that each reader reads."""
    formats = {"tf.data": "tfrecord", "data_source": "array_record"}
    places = {reader: tmp_path_factory.mktemp(name) for reader, name in formats.items()}
    for reader, folder in places.items():
        builder = photographs_builder(data_dir=folder, file_format=formats[reader])
        builder.download_and_prepare()
    return places


def load(folders, prepared_for, **arguments):
    """A dataset without anything random, unless asked for."""
    defaults = {"crop_size": CROP, "batch_size": 5, "shuffle_buffer": 1, "random_crop": False}
    arguments = {**defaults, "augment": False, "data_dir": folders[prepared_for], **arguments}
    return load_tfds_images("photographs", **arguments)


def crops(dataset, epoch=0):
    """The crops of one epoch, each with its index."""
    if isinstance(dataset, keras.utils.PyDataset):
        dataset.epoch = epoch
    return [np.array(crop) for batch in dataset for crop in batch]


def middle(pixels, size=CROP):
    top, left = ((length - size) // 2 for length in pixels.shape[:2])
    return pixels[top : top + size, left : left + size].astype(np.float32)


def sorted_crops(pictures):
    return np.stack(sorted(pictures, key=lambda picture: picture.tobytes()))


def test_with_tensorflow_it_is_a_tf_data_dataset(folders):
    import tensorflow as tf

    dataset = load(folders, "tf.data")
    assert isinstance(dataset, tf.data.Dataset)
    assert dataset.element_spec == tf.TensorSpec((5, CROP, CROP, 3), tf.float32)
    assert int(dataset.cardinality()) == 2  # six pictures, filled up to ten
    expected = np.stack([middle(pixels) for pixels in PHOTOGRAPHS])
    for batch in dataset:
        np.testing.assert_array_equal(sorted_crops(batch.numpy()), sorted_crops(expected))


def test_random_access_formats_are_read_by_random_access(folders):
    dataset = load(folders, "data_source")
    assert isinstance(dataset, keras.utils.PyDataset)
    assert len(dataset) == 2  # six pictures, filled up to ten
    asked = load(folders, "data_source", reader="data_source")
    np.testing.assert_array_equal(asked[1], dataset[1])


@pytest.mark.parametrize(
    ("reader", "key"),
    [(reader, key) for reader in READERS for key in ("image", "alpha", "gray")]
    + [("tf.data", "deep")],  # a data source decodes 16 bits with OpenCV only
)
def test_pictures_of_all_formats_become_three_colours(folders, reader, key):
    """The middles are the photographs' own; what is too small is left out."""
    channels = {"image": [0, 1, 2], "alpha": [0, 1, 2], "gray": [1, 1, 1], "deep": [0, 0, 0]}
    found = crops(load(folders, reader, image_key=key))
    expected = [middle(pixels)[..., channels[key]] for pixels in PHOTOGRAPHS]
    matches = [[i for i, e in enumerate(expected) if np.array_equal(e, crop)] for crop in found]
    assert all(len(match) == 1 for match in matches)
    assert {match[0] for match in matches} == set(range(5))


def test_sixteen_bits_of_a_data_source_become_eight(folders):
    dataset = load(folders, "data_source", batch_size=1, crop_size=2)
    levels = np.array([[0, 257], [32768, 65535]], np.uint16)[..., None]
    dataset._source = [{"image": levels}] * 6
    np.testing.assert_array_equal(dataset[0][0, ..., 2], [[0, 1], [128, 255]])


@pytest.mark.parametrize("reader", READERS)
def test_crops_are_cut_out_of_the_photographs(folders, reader):
    dataset = load(folders, reader, random_crop=True, batch_size=2)
    found = [places(crop, PHOTOGRAPHS) for epoch in range(9) for crop in crops(dataset, epoch)]
    assert all(len(hits) == 1 for hits in found)
    distinct = {hits[0] for hits in found}
    assert len(distinct) > 0.8 * len(found)
    assert {number for number, _, _ in distinct} == set(range(5))
    for number in (0, 4):  # a wide one and a tall one, each to beyond the shorter side's room
        room = np.array(PHOTOGRAPHS[number].shape[:2]) - CROP
        corners = np.array([place[1:] for place in distinct if place[0] == number])
        assert (corners.min(axis=0) < 0.3 * room).all()
        assert (corners.max(axis=0) > 0.7 * room).all()


@pytest.mark.parametrize("reader", READERS)
def test_reduction_is_lanczos(folders, reader):
    found = crops(load(folders, reader, crop_size=8, reduction=3))
    expected = []
    for pixels in PHOTOGRAPHS:
        rows = lanczos3(middle(pixels, 24).astype(np.float64), 3)
        expected.append(lanczos3(rows.transpose(1, 0, 2), 3).transpose(1, 0, 2).clip(0, 255))
    used = [np.abs(np.stack(expected) - crop).max(axis=(1, 2, 3)) for crop in found]
    assert {int(np.argmin(distances)) for distances in used} == set(range(5))
    assert max(distances.min() for distances in used) < 5e-3


@pytest.mark.parametrize("reader", READERS)
def test_reduction_clips_what_the_filter_overshoots(folders, reader):
    found = np.stack(crops(load(folders, reader, image_key="edge", crop_size=12, reduction=2)))
    assert found.min() == 0
    assert found.max() == 255


@pytest.mark.parametrize("reader", READERS)
def test_augmentation_turns_and_flips(folders, reader):
    dataset = load(folders, reader, augment=True)
    expected = np.stack([turned for p in PHOTOGRAPHS for turned in symmetries(middle(p))])
    drawn = []
    for epoch in range(30):
        for crop in crops(dataset, epoch):
            hits = np.flatnonzero((expected == crop).all(axis=(1, 2, 3)))
            assert len(hits) == 1
            drawn.append(hits[0])
    assert set(drawn) == set(range(40))


@pytest.mark.parametrize("reader", READERS)
def test_the_seed_decides_order_and_crops(folders, reader):
    def epochs(seed):
        dataset = load(folders, reader, seed=seed, random_crop=True, augment=True, shuffle_buffer=9)
        return [np.stack(crops(dataset, epoch)) for epoch in range(2)]

    first, again, other = epochs(3), epochs(3), epochs(4)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("reader", READERS)
def test_pictures_are_shuffled(folders, reader):
    def order(dataset, epoch):
        return tuple(places(crop, PHOTOGRAPHS)[0][0] for crop in crops(dataset, epoch)[:5])

    still = load(folders, reader)
    assert order(still, 0) == order(still, 1)
    shuffled = load(folders, reader, shuffle_buffer=9)
    assert len({order(shuffled, epoch) for epoch in range(5)}) > 2


def test_fit_takes_tf_data_on_every_backend(folders):
    model = Recorder.compiled()
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Your input ran out of data")
        model.fit(load(folders, "tf.data"), epochs=2, shuffle=False, verbose=0)
    expected = sorted_crops([middle(pixels) for pixels in PHOTOGRAPHS])
    assert len(model.seen) >= 4
    for batch in model.seen[-4:]:
        np.testing.assert_array_equal(sorted_crops(batch), expected)


def test_fit_takes_a_data_source_and_resumes(folders):
    arguments = {"random_crop": True, "shuffle_buffer": 9}
    dataset = load(folders, "data_source", batch_size=2, **arguments)
    model = Recorder.compiled()
    callbacks = [SynchronizeEpoch(dataset)]
    model.fit(dataset, initial_epoch=2, epochs=4, verbose=0, callbacks=callbacks)
    expected = [dataset.batch(i, epoch) for epoch in (2, 3) for i in range(len(dataset))]
    for seen, batch in zip(model.seen[-len(expected) :], expected, strict=True):
        np.testing.assert_array_equal(seen, batch)


def test_without_tensorflow_it_is_a_py_dataset(folders):
    backend = keras.backend.backend()
    if backend == "tensorflow":
        pytest.skip("the backend itself is TensorFlow")
    program = """
import sys
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name == "tensorflow" else find(name, *rest)
import keras
from keras_sandwich.datasets import load_tfds_images
dataset = load_tfds_images("photographs", data_dir=sys.argv[1], crop_size=16, reduction=2)
assert isinstance(dataset, keras.utils.PyDataset)
assert dataset[0].shape == (8, 16, 16, 3) and dataset[0].std() > 10
assert "tensorflow" not in sys.modules
try:
    load_tfds_images("photographs", data_dir=sys.argv[1], crop_size=16, reader="tf.data")
except ImportError as error:
    assert 'pip install "keras-sandwich[tensorflow]"' in str(error), error
else:
    raise AssertionError("no ImportError")
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(folders["data_source"])],
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": backend},
    )
    assert done.returncode == 0, done.stderr


# Bad input


def test_damaged_pixels_are_named(folders):
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match=r"'photographs' has NaN or infinite"):
        crops(load(folders, "tf.data", image_key="damaged", crop_size=24))
    dataset = load(folders, "data_source", image_key="damaged", crop_size=24, batch_size=6)
    with pytest.warns(UserWarning, match=r"Picture \d of the dataset has \d+ NaN or infinite"):
        found = crops(dataset)
    assert len(found) == 6
    assert np.isfinite(found).all()


@pytest.mark.parametrize("reader", READERS)
def test_crops_larger_than_all_pictures_are_refused(folders, reader):
    with pytest.raises(ValueError, match=r"All pictures of 'photographs'.*crop of 60×60"):
        load(folders, reader, crop_size=20, reduction=3)


def test_readers_refuse_formats_they_cannot_read(folders):
    with pytest.raises(ValueError, match=r"'tfrecord', which reader='data_source' cannot read"):
        load(folders, "tf.data", reader="data_source")
    with pytest.raises(ValueError, match=r"'array_record', which reader='tf.data' cannot read"):
        load(folders, "data_source", reader="tf.data")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "test"}, r"no such split.*split='test'.*train"),
        ({"image_key": "picture"}, r"`image_key` must name a picture.*'picture'.*label"),
        ({"image_key": "label"}, r"`image_key` must name a picture.*'label'"),
        ({"reader": "grain"}, r"`reader` must be one of.*'grain'"),
        ({"crop_size": 0}, r"`crop_size` must be.*crop_size=0"),
        ({"reduction": 1.5}, r"`reduction` must be.*reduction=1.5"),
        ({"batch_size": 0}, r"`batch_size` must be.*batch_size=0"),
        ({"shuffle_buffer": 0}, r"`shuffle_buffer` must be.*shuffle_buffer=0"),
        ({"seed": -1}, r"`seed` must be.*seed=-1"),
    ],
)
def test_bad_arguments_are_refused(folders, arguments, message):
    with pytest.raises(ValueError, match=message):
        load(folders, "tf.data", **arguments)


def test_missing_datasets_are_refused(folders):
    with pytest.raises(ValueError, match=r"no such dataset.*name='photos'"):
        load_tfds_images("photos", data_dir=folders["tf.data"])
    with pytest.raises(ValueError, match=r"'clic' is not prepared.*download=False"):
        load_tfds_images("clic", data_dir=folders["tf.data"], download=False)
