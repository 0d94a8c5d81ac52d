"""JPEG's planes and indices beside what libjpeg reads and writes."""

import io

import numpy as np
import pytest
from photographs import photographs
from PIL import Image

import keras_sandwich as ks
from keras_sandwich.refinement.jpeg_planes import JpegPlanes

PHOTOGRAPH = photographs(1, 48, 64)[0].astype("uint8")
KINDS = {
    "gray": ({}, 1),
    "4:4:4": ({}, 3),
    "4:2:2": ({"chroma_subsampling": "4:2:2"}, 3),
    "4:2:0": ({"chroma_subsampling": "4:2:0"}, 3),
    "RGB": ({"color_transform": False}, 3),
}
SIZES = ((48, 64), (45, 59))


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("table", [{"qstep": 20}, {"quality": 40}])
def test_indices_are_what_the_file_holds(kind, size, table):
    settings, channels = kind
    codec = ks.codecs.JPEG(**table, **settings)
    samples = PHOTOGRAPH[: size[0], : size[1], :channels]
    jpeg = JpegPlanes(codec, samples.shape)
    planes = jpeg.planes(samples)
    indices = jpeg.indices(planes)
    decoded = codec.decode(codec.encode_planes(jpeg.planes_at(indices, planes)))
    expected = jpeg.pixels(indices) + 128
    # Of whole macroblocks, away from those that the edge cuts.
    inside = tuple(slice(0, (n - 1) // 16 * 16 - 1) for n in size)
    difference = np.abs(decoded[inside] - np.clip(expected[inside], 0, 255))
    assert difference.max() <= 3
    assert difference.mean() < 0.6


def test_planes_are_written_as_they_are(kind):
    settings, channels = kind
    codec = ks.codecs.JPEG(qstep=1, **settings)
    samples = PHOTOGRAPH[..., :channels]
    jpeg = JpegPlanes(codec, samples.shape)
    planes = [np.round(plane).astype("uint8") for plane in jpeg.planes(samples)]
    file = codec.encode_planes(planes)
    if channels == 1 or not codec.color_transform:
        assert file == codec.encode(np.stack(planes, axis=-1))
        return
    with Image.open(io.BytesIO(file)) as picture:
        picture.draft("YCbCr", picture.size)
        luma = np.asarray(picture)[..., 0].astype(int)
    assert np.abs(luma - planes[0]).max() <= 1
    # What libjpeg itself makes of the same picture.
    whole = codec.decode(codec.encode(samples)).astype(int)
    assert np.mean(np.abs(codec.decode(file) - whole)) < 1


@pytest.mark.parametrize("size", SIZES)
def test_gradient_by_indices_is_the_adjoint(kind, size):
    settings, channels = kind
    jpeg = JpegPlanes(ks.codecs.JPEG(quality=60, **settings), (*size, channels))
    random = np.random.default_rng(0)
    changes = [random.normal(size=(*blocks, 8, 8)) for blocks in jpeg.blocks]
    gradient = random.normal(size=(*size, channels))
    by_indices = jpeg.by_indices(gradient)
    expected = np.sum(jpeg.pixels(changes) * gradient)
    found = sum(np.sum(one * other) for one, other in zip(changes, by_indices, strict=True))
    assert np.isclose(found, expected, rtol=1e-10)


def test_scan_of_macroblocks():
    jpeg = JpegPlanes(ks.codecs.JPEG(qstep=8, chroma_subsampling="4:2:0"), (32, 48, 3))
    # T.81 Figure A.3: two by two of luma, then the next macroblock.
    assert jpeg.scans[0][:8].tolist() == [0, 1, 6, 7, 2, 3, 8, 9]
    assert jpeg.scans[1].tolist() == list(range(6))
