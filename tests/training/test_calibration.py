"""The squared errors of the proxy, written once more in float64, and of files that Pillow wrote and read."""

import io
import math

import keras
import numpy as np
import pytest
from float64_codec import code
from photographs import grayscale, photographs

import keras_sandwich as ks
from keras_sandwich.training.calibration import own_qstep, qstep_of_error, strengths_around

Image = pytest.importorskip("PIL.Image")


def proxy(channels=1, **options):
    layer = ks.layers.EncodeDecodeIntra(**{"qstep_init": 15.0, **options})
    layer.build((None, None, None, channels))
    return layer


def webp(pictures, quality):
    """What libwebp decodes."""
    decoded = []
    for picture in pictures:
        file = io.BytesIO()
        Image.fromarray(np.repeat(picture, 3, -1) if picture.shape[-1] == 1 else picture).save(
            file, "WEBP", quality=quality
        )
        decoded.append(np.asarray(Image.open(file).convert("RGB"))[..., : picture.shape[-1]])
    return np.stack(decoded).astype("float64")


def squared_error(a, b):
    return np.mean((np.asarray(a, "float64") - b) ** 2)


@pytest.mark.parametrize("quality", [10, 50, 80])
@pytest.mark.parametrize("channels", [1, 3])
def test_at_the_step_both_lose_as_much(quality, channels):
    pictures = photographs(2, 48, 64) if channels == 3 else grayscale(2, 48, 64)
    options = {"convert_to_yuv": True, "chroma_subsampling": "4:2:0"} if channels == 3 else {}
    decoded = webp(pictures, quality)
    qstep = qstep_of_error(
        proxy(channels, rounding="uniform_noise", **options), pictures.astype("float32"), decoded
    )
    ours = squared_error(code(pictures, qstep, **options).decoded, pictures)
    assert ours == pytest.approx(squared_error(decoded, pictures), rel=0.01)
    assert 1.0 < qstep < 200.0


def test_more_bits_than_eight():
    # A codec of 10 bits is given quarters of a level: its error is against them.
    pictures = grayscale(2, 32, 32).astype("float32") + 0.25
    qstep = qstep_of_error(proxy(), pictures, pictures + 3.0, bits=10)
    ours = squared_error(code(pictures, qstep).decoded, pictures)
    assert ours == pytest.approx(9.0, rel=0.01)


def test_the_public_function_codes_the_files_itself():
    pictures = grayscale(3, 40, 40)
    tables = np.full((8, 8), 20) + 5 * np.arange(8)  # a codec that no flat step equals
    decoded = []
    for picture in pictures[..., 0]:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", qtables=[tables.ravel().tolist()])
        decoded.append(np.asarray(Image.open(file))[..., None])
    qstep = ks.training.calibrate_qstep(proxy(), pictures, ks.codecs.JPEG(tables=tables))
    ours = squared_error(code(pictures, qstep).decoded, pictures)
    assert ours == pytest.approx(squared_error(decoded, pictures), rel=0.01)


@pytest.mark.parametrize("least", [1.0, 5.0])
@pytest.mark.parametrize(("error", "end"), [(0.0, None), (1e6, 512.0)])
def test_errors_that_no_step_reaches_give_the_end_of_the_range(error, end, least):
    pictures = grayscale(1, 32, 32).astype("float32")
    decoded = pictures + np.sqrt(error).astype("float32")
    layer = proxy(min_qstep=least)
    step = qstep_of_error(layer, pictures, decoded)
    assert step == pytest.approx(end or least)
    layer.set_effective_qstep(step)  # never below by a rounding


def test_a_jpeg_with_a_flat_table_has_the_step_itself():
    pictures, codec = np.zeros((1, 8, 8, 1), "float32"), ks.codecs.JPEG(qstep=37)
    assert ks.training.calibrate_qstep(proxy(), pictures, codec) == 37.0
    assert ks.training.calibrate_qstep(proxy(min_qstep=40.0), pictures, codec) == 40.0
    assert own_qstep(proxy(), ks.codecs.JPEG(quality=50)) is None
    with_tables = proxy(luma_table=np.full((8, 8), 2.0))
    assert own_qstep(with_tables, ks.codecs.JPEG(qstep=37)) is None


def test_strengths_of_a_jpeg_with_a_flat_table_are_multiples_of_the_step():
    some = [grayscale(1, 32, 32)[0]]
    codec = ks.codecs.JPEG(qstep=1)
    assert strengths_around(proxy(qstep_init=15.0), some, codec) == (8.0, 11.0, 16.0, 23.0, 32.0)
    assert strengths_around(proxy(qstep_init=199.0), some, codec)[-1] == 255.0
    assert strengths_around(proxy(qstep_init=0.1), some, codec)[0] == 1.0


def pillow_bits(picture, **options):
    """Of a file, less those of a gray one."""

    def size(pixels):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", optimize=True, **options)
        return 8 * len(file.getvalue())

    return size(picture) - size(np.full_like(picture, 128))


def test_strengths_of_others_have_about_the_bits_of_the_steps():
    picture = grayscale(1, 128, 128)[0]
    qualities = {
        s: 101 - round(s)
        for s in strengths_around(proxy(qstep_init=15.0), [picture], ks.codecs.JPEG(quality=50))
    }
    assert len(qualities) == 5
    for factor, quality in zip((0.5, 0.5**0.5, 1, 2**0.5, 2), qualities.values(), strict=True):
        target = pillow_bits(picture[..., 0], qtables=[[round(16 * factor)] * 64])
        nearest = min(
            range(1, 101),
            key=lambda q: abs(math.log(pillow_bits(picture[..., 0], quality=q) / target)),
        )
        assert abs(quality - nearest) <= 1


def test_what_has_no_step_cannot_be_calibrated():
    with pytest.raises(ValueError, match=r"EncodeDecodeIntra.*Received Identity"):
        ks.training.calibrate_qstep(
            keras.layers.Identity(), np.zeros((1, 8, 8, 1)), ks.codecs.JPEG()
        )
    with pytest.raises(ValueError, match=r"number, height, width.*\(8, 8, 1\)"):
        ks.training.calibrate_qstep(proxy(), np.zeros((8, 8, 1)), ks.codecs.JPEG(quality=50))
    with pytest.raises(ValueError, match="must be finite"):
        ks.training.calibrate_qstep(proxy(), np.full((1, 8, 8, 1), np.nan), ks.codecs.JPEG(qstep=8))
    half = keras.layers.Identity()
    half.qstep = 4.0
    with pytest.raises(ValueError, match=r"EncodeDecodeIntra.*Received Identity"):
        ks.training.calibrate_qstep(half, np.zeros((1, 8, 8, 1)), ks.codecs.JPEG(quality=50))
