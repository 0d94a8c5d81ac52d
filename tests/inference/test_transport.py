import io
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from autodiff import to_numpy
from photographs import grayscale, noise, photographs
from small_models import sandwich

import keras_sandwich as ks
from keras_sandwich.codecs import JPEG
from keras_sandwich.inference.transport import code_batch, empty_file_bits


class Stored:
    """A codec of a user's own that stores what it is given, with a header of five bytes."""

    def __init__(self, bits=None):
        self.given = []
        if bits is not None:
            self.bits = bits

    def encode(self, picture):
        self.given.append(picture.copy())
        height, width, channels = picture.shape
        header = bytes([height // 256, height % 256, width // 256, width % 256, channels])
        return header + picture.astype(">u2").tobytes()

    def decode(self, data):
        height, width, channels = data[0] * 256 + data[1], data[2] * 256 + data[3], data[4]
        stored = np.frombuffer(data[5:], ">u2").reshape(height, width, channels)
        return stored.astype(self.given[-1].dtype) ^ 1  # what comes back is not what was sent


def assert_transported(outputs, pictures, model, bits=8):
    """Against each picture at once, in few lines."""
    scale = 2 ** (bits - 8)
    for number, picture in enumerate(pictures):
        sent, decoded = (outputs[n][number] for n in ("bottleneck", "compressed_bottleneck"))
        bottleneck = to_numpy(model.preprocess(picture[None]))[0].astype("float64")
        expected = np.clip(np.round(bottleneck * scale), 0, 2**bits - 1)
        # A float32 sum at a half rounds one way or the other.
        assert sent.dtype == (np.uint8 if bits == 8 else np.uint16)
        assert np.mean(sent != expected) < 5e-3 * scale
        assert np.abs(sent - expected).max() <= max(scale // 100, 1)
        assert np.array_equal(decoded, sent ^ 1)
        received = (decoded / scale).astype("float32")
        shown = to_numpy(model.postprocess(received[None], picture.shape[:2]))[0]
        np.testing.assert_allclose(outputs["prediction"][number], shown, rtol=0, atol=2e-3)
        assert outputs["rate"][number] == 8 * (5 + 2 * sent.size)


def test_a_batch_is_arrays():
    model = sandwich(networks=True)
    pictures = photographs(3, 61, 40)
    for tile_size in (24, 1024, None):
        codec = Stored()
        outputs = ks.transport(model, pictures, codec, tile_size=tile_size)
        assert_transported(outputs, pictures, model)
        assert outputs.pop("codec") is None  # it has no name
        assert set(outputs) == {
            "prediction",
            "rate",
            "bottleneck",
            "compressed_bottleneck",
            "image",
        }
        assert all(isinstance(value, np.ndarray) for value in outputs.values())
        assert np.array_equal(np.stack(codec.given), outputs["bottleneck"])
        assert np.array_equal(outputs["image"], outputs["prediction"])


@pytest.mark.once
def test_a_list_is_lists_of_any_sizes():
    model = sandwich(networks=True, bottleneck_channels=3, downsample_factor=2)
    pictures = [noise(61, 40, 3), photographs(1, 90, 33)[0], noise(1, 7, 3), noise(75, 77, 3)]
    outputs = ks.transport(model, pictures, Stored(), tile_size=32)
    assert_transported(outputs, pictures, model)
    for name in ("prediction", "bottleneck", "compressed_bottleneck", "image"):
        assert isinstance(outputs[name], list)
    assert outputs["rate"].shape == (4,)
    assert outputs["bottleneck"][2].shape == (1, 3, 3)


@pytest.mark.parametrize("bits", [10, 16])
def test_more_than_eight_bits(bits):
    model = sandwich()
    pictures = photographs(2, 30, 20)
    assert_transported(ks.transport(model, pictures, Stored(bits)), pictures, model, bits)


def test_every_byte_of_large_files_is_counted():
    class Large:
        def encode(self, picture):
            return bytes(3_000_001)

        def decode(self, data):
            return np.zeros((4, 4, 1), "uint8")

    model = ks.models.CompressIntraModel(None, None, ks.layers.EncodeDecodeIntra())
    outputs = ks.transport(model, np.zeros((1, 4, 4, 1)), Large())
    assert outputs["rate"].tolist() == [24_000_008]  # no float32


def test_channels_that_files_do_not_have():
    class OneByOne(Stored):
        asked = None

        def for_channels(self, channels):
            OneByOne.asked = channels
            return Stored()

        def encode(self, picture):
            raise AssertionError("one file for all channels")

    model = sandwich(bottleneck_channels=4, output_channels=4)
    pictures = noise(2, 20, 30, 4)
    assert_transported(ks.transport(model, pictures, OneByOne()), pictures, model)
    assert OneByOne.asked == 4
    assert_transported(ks.transport(model, pictures, Stored()), pictures, model)
    for channels, way in ((1, ""), (4, ", channels 1+1+1+1")):
        model = sandwich(bottleneck_channels=channels, output_channels=4)
        outputs = ks.transport(model, noise(1, 8, 8, 4), ks.codecs.JPEG())
        assert outputs["codec"] == "JPEG 4:4:4" + way


def keyed():
    parts = sandwich(bottleneck_channels=4, output_channels=4)
    model = ks.models.CompressIntraModel(
        parts.preprocessor, parts.postprocessor, parts.codec_proxy, model_keys=("albedo", "depth")
    )
    return model, parts


@pytest.mark.parametrize("listed", [False, True])
def test_several_tensors_by_their_keys(listed):
    model, parts = keyed()
    albedo, depth = photographs(2, 21, 34), noise(2, 21, 34, 1)
    inputs = {"depth": depth, "albedo": albedo}
    if listed:
        inputs = {name: [value[0], value[1, :9]] for name, value in inputs.items()}
    outputs = ks.transport(model, inputs, Stored(), tile_size=16)
    pictures = [
        np.concatenate(pair, axis=-1)
        for pair in zip(inputs["albedo"], inputs["depth"], strict=True)
    ]
    assert_transported(outputs, pictures, parts)
    for number, prediction in enumerate(outputs["prediction"]):
        assert np.array_equal(outputs["albedo"][number], prediction[..., :3])
        assert np.array_equal(outputs["depth"][number], prediction[..., 3:])
    assert isinstance(outputs["depth"], list if listed else np.ndarray)


def test_tensors_of_the_backend():
    model = sandwich()
    pictures = photographs(2, 20, 30)
    outputs = ks.transport(model, keras.ops.convert_to_tensor(pictures), Stored())
    assert np.array_equal(
        outputs["bottleneck"], ks.transport(model, pictures, Stored())["bottleneck"]
    )
    outputs = ks.transport(model, [keras.ops.convert_to_tensor(pictures[0])], Stored())
    assert outputs["prediction"][0].shape == (20, 30, 3)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((4, 4, 3)), r"Expected images \[batch.*Received shape \(4, 4, 3\)"),
        ([np.zeros((1, 4, 4, 3))], r"a list of pictures .*Received shape \(1, 4, 4, 3\)"),
        ([], r"Expected at least one picture, and as many for each key. Received {'image': 0}"),
        ([np.zeros((4, 4, 3)), np.full((4, 4, 3), np.inf)], "infinite pixels in picture 1"),
        (np.zeros((1, 0, 4, 3), "uint8"), r"at least one pixel.*Received shape \(0, 4, 3\)"),
        ({"picture": np.zeros((1, 4, 4, 3))}, r"lacks \['image'\]"),
    ],
)
def test_bad_pictures(images, message):
    with pytest.raises(ValueError, match=message):
        ks.transport(sandwich(), images, Stored())


@pytest.mark.parametrize("listed", [False, True])
def test_pictures_of_another_range(listed):
    def given(pictures):
        return list(pictures) if listed else pictures

    model, deep = sandwich(), sandwich(num_truncate_bits=2)
    pictures = photographs(2, 12, 16)
    with pytest.raises(ValueError, match=r"in \[0, 255\].*Received values from .* to 1000"):
        ks.transport(model, given(np.maximum(pictures * 4.0, 1000.0)), Stored())
    with pytest.raises(ValueError, match="Received values from -3"):
        ks.transport(model, given(pictures[:1] * 0.0 - 3), Stored())
    ks.transport(deep, given(np.maximum(pictures * 4.0, 1000.0)), Stored())
    with pytest.warns(UserWarning, match="look scaled to") as warned:
        ks.transport(model, given(pictures / 255.0), Stored())
    assert warned[0].filename == __file__


def test_bad_keys():
    model, _ = keyed()
    with pytest.raises(ValueError, match=r"dict with the keys .*Received ndarray"):
        ks.transport(model, np.zeros((1, 4, 4, 4)), Stored())
    albedo = np.zeros((2, 4, 4, 3))
    with pytest.raises(
        ValueError, match=r"as many for each key. Received {'albedo': 2, 'depth': 1}"
    ):
        ks.transport(model, {"albedo": albedo, "depth": albedo[:1, ..., :1]}, Stored())
    with pytest.raises(ValueError, match="same height and width"):
        ks.transport(model, {"albedo": [albedo[0]], "depth": [albedo[0, :3, :, :1]]}, Stored())


def test_a_codec_that_returns_another_shape():
    class Flat(Stored):
        def decode(self, data):
            return super().decode(data)[..., 0]

    with pytest.raises(ValueError, match=r"Received \(4, 4\) for \(4, 4, 1\)"):
        ks.transport(sandwich(), np.zeros((1, 4, 4, 3)), Flat())


def test_a_diverged_network_is_refused():
    model = sandwich()
    model.preprocessor.mlp.linear.bias.assign(np.full(4, np.nan, "float32"))
    with pytest.raises(ValueError, match="The bottleneck must be finite"):
        ks.transport(model, photographs(1, 8, 8), Stored())


def written(picture, qstep):
    """The file that Pillow itself writes."""
    Image = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", qtables=[[qstep] * 64], optimize=True)
    return file


def test_each_bottleneck_is_rounded_clipped_and_coded_as_a_file():
    bottlenecks = grayscale(3, 40, 24).astype("float32") * 1.4 - 20.3
    assert bottlenecks.min() < 0
    assert bottlenecks.max() > 255
    with ThreadPoolExecutor(2) as executor:
        decoded, bits = code_batch(bottlenecks, JPEG(qstep=20), executor)
    assert decoded.dtype == bits.dtype == "float32"
    for bottleneck, picture, cost in zip(bottlenecks, decoded, bits, strict=True):
        file = written(np.clip(np.round(bottleneck[..., 0]), 0, 255).astype("uint8"), 20)
        assert cost == 8 * len(file.getvalue())
        np.testing.assert_array_equal(
            picture[..., 0], np.asarray(pytest.importorskip("PIL.Image").open(file))
        )


def test_what_a_file_costs_with_nothing_in_it():
    gray = np.full((16, 24), 128, "uint8")
    assert empty_file_bits(JPEG(qstep=9), (16, 24, 1)) == 8 * len(written(gray, 9).getvalue())


def test_several_threads_share_a_model():
    """As in a web server; on JAX a compiled step takes the model's weights over while it runs."""
    pictures = list(photographs(6, 40, 40))
    codec = ks.codecs.PNG()
    expected = [ks.transport(sandwich(), [picture], codec)["prediction"][0] for picture in pictures]
    shared = sandwich()  # whose program is first made by one of the threads
    with ThreadPoolExecutor(4) as pool:
        results = list(
            pool.map(lambda picture: ks.transport(shared, [picture], codec), pictures * 3)
        )
    for result, picture in zip(results, expected * 3, strict=True):
        np.testing.assert_allclose(result["prediction"][0], picture, atol=1e-3)
