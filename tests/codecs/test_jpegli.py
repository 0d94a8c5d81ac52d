"""jpegli: its files, as libjpeg reads them."""

import io

import codec_cases as cases
import numpy as np
import pytest
from PIL import Image

from keras_sandwich.codecs import JPEG, Jpegli

pyjpegli = pytest.importorskip("pyjpegli")
PICTURE = np.ascontiguousarray(cases.picture(Jpegli(), 3, 128, 160))


def test_file_is_that_of_pyjpegli():
    codec = Jpegli(quality=60)
    file = codec.encode(PICTURE)
    assert file == pyjpegli.encode(PICTURE, 160, 128, quality=60)
    with Image.open(io.BytesIO(file)) as image:
        assert (image.format, image.size, image.mode) == ("JPEG", (160, 128), "RGB")
        # Factors of the components: chroma is half as high and wide, as the name says.
        assert [layer[1:3] for layer in image.layer] == [(2, 2), (1, 1), (1, 1)]
        np.testing.assert_array_equal(codec.decode(file), np.asarray(image))
    assert cases.psnr(PICTURE, codec.decode(file), 8) > 25
    with pytest.raises(ValueError, match="Not a readable JPEG file"):
        codec.decode(b"no file")


def test_strength_is_of_quality():
    codec = Jpegli().with_strength(41)
    assert (codec, codec.strength) == (Jpegli(quality=60), 41.0)
    sizes = [len(codec.with_strength(s).encode(PICTURE)) for s in (1, 25, 50, 75, 100)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 4 * sizes[-1]
    assert codec.strengths == JPEG(quality=1).strengths
    with pytest.raises(ValueError, match="quality"):
        codec.with_strength(101)
    assert codec.version.startswith("pyjpegli 0.")
    assert codec.settings == {"class": "Jpegli", "quality": 60}


def test_what_it_cannot_write_is_refused():
    with pytest.raises(ValueError, match=r"one channel; take codecs\.JPEG"):
        Jpegli().encode(PICTURE[..., :1])
    with pytest.raises(ValueError, match="writes no metadata"):
        Jpegli().encode(PICTURE, xmp=b"<x/>")
    with pytest.raises(ValueError, match="at most 65500"):
        Jpegli().encode(np.zeros((1, 65501, 3), "uint8"))
