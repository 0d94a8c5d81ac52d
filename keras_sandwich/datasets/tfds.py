"""Crops of the pictures of a tensorflow-datasets dataset, with or without TensorFlow."""

import os
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from keras_sandwich._arguments import require_integers, require_option
from keras_sandwich._optional import import_library
from keras_sandwich.datasets.crop_dataset import (
    CropDataset,
    UnusablePicture,
    check_crop_arguments,
)
from keras_sandwich.datasets.pictures import as_picture

_READERS = ("auto", "tf.data", "data_source")


def load_tfds_images(
    name: str = "clic",
    split: str = "train",
    *,
    crop_size: int = 128,
    batch_size: int = 8,
    reduction: int = 1,
    augment: bool = True,
    random_crop: bool = True,
    shuffle_buffer: int = 256,
    seed: int = 0,
    data_dir: str | os.PathLike[str] | None = None,
    image_key: str = "image",
    download: bool = True,
    reader: str = "auto",
    workers: int = 2,
) -> Any:
    """Loads crops of the pictures of any image dataset of tensorflow-datasets.

    An epoch has as many crops as the split has pictures, filled up to whole batches. Pictures
    smaller than a crop are left out and others taken again in their place. The dataset is
    downloaded and prepared when it is not there yet.

    With TensorFlow installed the result is a `tf.data.Dataset`, which `fit` takes on every
    backend: of another order and other crops in each pass (and the same ones in each
    program), `.repeat()` makes it endless. Otherwise, and for datasets that are prepared as
    array_record, it is a `keras.utils.PyDataset` that reads by random access, has an `epoch` like
    the datasets of `image_folder`, and so can be resumed exactly with `SynchronizeEpoch`.

    Example:
    ```py
    import keras_sandwich as ks

    dataset = ks.datasets.load_tfds_images("clic", crop_size=128, reduction=2)  # downloads 8 GB
    model.fit(dataset, epochs=10)
    ```

    Args:
        name: Name of the dataset, as `tfds.builder` takes it.
        split: Name of the split, slices as `"train[:80%]"` included.
        crop_size: Height and width of the crops, in pixels. Positive integer.
        batch_size: Crops in a batch. Positive integer.
        reduction: Positive integer. Crops of `crop_size * reduction` pixels are cut and reduced to
            `crop_size` by an antialiased Lanczos filter.
        augment: Whether crops are turned by multiples of 90° and flipped, at random.
        random_crop: Whether the place of the crop is drawn. Otherwise it is the middle.
        shuffle_buffer: Crops among which tf.data draws the next, positive; 1 keeps the order of
            the files. A data source shuffles all pictures, or none for 1.
        seed: Integer in [0, 2³²).
        data_dir: Folder of the prepared datasets. None: that of tensorflow-datasets.
        image_key: Name of the feature that holds the picture.
        download: Whether a dataset that is not there may be downloaded and prepared.
        reader: `"tf.data"`, `"data_source"` (prepares the dataset as array_record), or `"auto"`:
            tf.data where TensorFlow is installed and can read the format.
        workers: Threads of the data source that read ahead during `fit`. 0: none.

    Returns:
        A `tf.data.Dataset` or `keras.utils.PyDataset` of batches, float32
        [batch, crop_size, crop_size, 3] in [0, 255].

    Raises:
        ImportError: If tensorflow-datasets, or what the reader needs, is not installed.
        ValueError: If the dataset, the split or the picture are not there, or all pictures are
            smaller than the crop; if the reader cannot read the format; if a number is out of
            range.
    """
    check_crop_arguments(crop_size, batch_size, None, reduction, seed, 0, workers)
    require_integers(1, shuffle_buffer=shuffle_buffer)
    require_option(reader, _READERS, "reader")
    with_tf = reader == "tf.data" or (reader == "auto" and find_spec("tensorflow") is not None)
    builder = _builder(name, data_dir, download, random_access=not with_tf)
    _check_contents(builder, split, image_key)
    if with_tf:
        try:
            return _tf_pipeline(
                builder, split, image_key, crop_size, batch_size, reduction, augment,
                shuffle_buffer, random_crop, seed,
            )  # fmt: skip
        except NotImplementedError as error:  # array_record has random access only
            if reader == "tf.data":
                raise _wrong_format(builder, reader, "data_source") from error
    return TfdsImages(
        builder, split, image_key, crop_size, batch_size, reduction, augment,
        shuffle_buffer > 1, random_crop, seed, workers,
    )  # fmt: skip


def _builder(
    name: str, data_dir: str | os.PathLike[str] | None, download: bool, random_access: bool
) -> Any:
    tfds = import_library("tensorflow_datasets", "`load_tfds_images`", "datasets")
    place = None if data_dir is None else os.fspath(data_dir)
    try:
        builder = tfds.builder(name, data_dir=place)
    except tfds.core.DatasetNotFoundError as error:
        raise ValueError(
            "There is no such dataset. "
            f"Received name={name!r}, data_dir={place!r}. Expected a name of the catalog, "
            "https://www.tensorflow.org/datasets/catalog/overview, or of a dataset in data_dir."
        ) from error
    if not builder.is_prepared():
        if not download:
            raise ValueError(
                f"The dataset {name!r} is not prepared in {str(builder.data_dir)!r}. "
                "Received download=False. Prepare it, or pass download=True."
            )
        if random_access:
            builder = tfds.builder(name, data_dir=place, file_format="array_record")
        builder.download_and_prepare()
    return builder


def _check_contents(builder: Any, split: str, image_key: str) -> None:
    features = builder.info.features
    if image_key not in features or len(features[image_key].shape or ()) != 3:
        raise ValueError(
            "`image_key` must name a picture, a feature of the shape [height, width, channels]. "
            f"Received image_key={image_key!r}. {builder.name!r} has: {list(features)}."
        )
    try:
        builder.info.splits[split]
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"The dataset {builder.name!r} has no such split. Received split={split!r}. "
            f"Expected one of {sorted(builder.info.splits)}, or a slice of it."
        ) from error


def _wrong_format(builder: Any, reader: str, other: str) -> ValueError:
    return ValueError(
        f"The dataset {builder.name!r} in {str(builder.data_dir)!r} is prepared in the format "
        f"{builder.info.file_format.value!r}, which reader={reader!r} cannot read. Pass "
        f"reader={other!r}, or another data_dir to prepare it anew. (tf.data reads tfrecord, "
        "data_source reads array_record.)"
    )


def _all_too_small(builder: Any, split: str, side: int) -> ValueError:
    return ValueError(
        f"All pictures of {builder.name!r}, split {split!r}, are smaller than the crop of "
        f"{side}×{side} pixels (crop_size × reduction). Choose a smaller crop_size or reduction."
    )


class TfdsImages(CropDataset):
    """A PyDataset of crops of a random-access `tfds.data_source`. Made by `load_tfds_images`."""

    def __init__(
        self,
        builder: Any,
        split: str,
        image_key: str,
        crop_size: int,
        batch_size: int,
        reduction: int,
        augment: bool,
        shuffle: bool,
        random_crop: bool,
        seed: int,
        workers: int,
    ) -> None:
        import_library("PIL.Image", "`load_tfds_images`", "media")
        tfds = import_library("tensorflow_datasets", "`load_tfds_images`", "datasets")
        unread = {  # other pictures of an example are left encoded
            key: tfds.decode.SkipDecoding()
            for key, feature in builder.info.features.items()
            if key != image_key and isinstance(feature, tfds.features.Image)
        }
        try:
            source = builder.as_data_source(split=split, decoders=unread)
        except NotImplementedError as error:  # tfrecord has no random access
            raise _wrong_format(builder, "data_source", "tf.data") from error
        self._source: Sequence[Any] = source
        self._image_key = image_key
        self._side = crop_size * reduction
        super().__init__(
            len(source),
            crop_size,
            batch_size,
            -(-len(source) // batch_size),
            reduction,
            augment,
            shuffle,
            random_crop,
            seed,
            0,
            workers,
        )
        if not any(self._large(number) for number in range(len(source))):
            raise _all_too_small(builder, split, self._side)

    def read(self, number: int) -> np.ndarray:
        picture = np.asarray(self._source[number][self._image_key])
        if min(picture.shape[:2]) < self._side:
            raise UnusablePicture()  # left out without a word, as by tf.data
        if picture.dtype == np.uint16:
            picture = np.round(picture / 257.0).astype(np.uint8)
        try:
            return as_picture(picture, f"Picture {number} of the dataset")
        except ValueError as error:
            raise UnusablePicture(str(error)) from error

    def _large(self, number: int) -> bool:
        try:
            self.read(number)
        except UnusablePicture:
            return False
        return True


def _tf_pipeline(
    builder: Any,
    split: str,
    image_key: str,
    crop_size: int,
    batch_size: int,
    reduction: int,
    augment: bool,
    shuffle_buffer: int,
    random_crop: bool,
    seed: int,
) -> Any:
    tf = import_library("tensorflow", '`reader="tf.data"` (`"data_source"` does not)', "tensorflow")
    side = crop_size * reduction

    def picture(example: Any) -> Any:
        return example[image_key]

    def is_large(image: Any) -> Any:
        return tf.reduce_min(tf.shape(image)[:2]) >= side

    def crop(image: Any, numbers: Any) -> Any:
        room = tf.cast(tf.shape(image)[:2] - side, "int64")
        corner = numbers[:2] % (room + 1) if random_crop else room // 2
        image = image[corner[0] : corner[0] + side, corner[1] : corner[1] + side, :3]
        image = tf.cast(image, "float32") / (257.0 if image.dtype == tf.uint16 else 1.0)
        image = tf.debugging.assert_all_finite(
            image, f"A picture of {builder.name!r} has NaN or infinite values"
        )
        image = tf.broadcast_to(image, (side, side, 3))  # gray to three colours
        if reduction > 1:
            image = tf.image.resize(image, (crop_size, crop_size), "lanczos3", antialias=True)
            image = tf.clip_by_value(image, 0.0, 255.0)
        if augment:
            image = tf.image.rot90(image, tf.cast(numbers[2] % 4, "int32"))
            image = tf.where(numbers[2] % 8 < 4, image, tf.image.flip_left_right(image))
        return tf.ensure_shape(image, (crop_size, crop_size, 3))

    tfds = import_library("tensorflow_datasets", "`load_tfds_images`", "datasets")
    images = builder.as_dataset(
        split=split,
        decoders=tfds.decode.PartialDecoding({image_key: True}),
        read_config=tfds.ReadConfig(try_autocache=False),
    )
    batches = -(-int(images.cardinality()) // batch_size)
    images = images.map(picture).filter(is_large)
    if not any(True for _ in images.take(1)):
        raise _all_too_small(builder, split, side)
    numbers = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    numbers = numbers.batch(3, drop_remainder=True)
    crops = tf.data.Dataset.zip((images.repeat(), numbers))
    crops = crops.map(crop, num_parallel_calls=tf.data.AUTOTUNE)
    if shuffle_buffer > 1:
        crops = crops.shuffle(shuffle_buffer, seed=seed, reshuffle_each_iteration=True)
    options = tf.data.Options()
    options.deterministic = True
    dataset = crops.batch(batch_size, drop_remainder=True).take(batches)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(batches))
    return dataset.with_options(options).prefetch(tf.data.AUTOTUNE)
