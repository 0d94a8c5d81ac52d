"""The sandwich for depth maps, through the proxy and through real files."""

import json

import keras
import numpy as np
import pytest
from autodiff import to_numpy

import keras_sandwich as ks

SMALL = {"encoder_filters": (4,), "decoder_filters": (4, 4), "seed": 0}


def small_model():
    model = ks.models.create_depth_codec_model(**SMALL)
    model.build((None, None, None, 1))
    return model


def test_it_starts_as_the_two_layers():
    depth = ks.datasets.depth_crops(2, size=32, seed=4)
    model = small_model()
    for qstep in (8.0, 20.0):
        bottleneck = to_numpy(model.preprocess(depth, qstep))
        np.testing.assert_allclose(
            bottleneck, to_numpy(ks.ops.encode_quality_layers(depth / 256, qstep)), atol=1e-3
        )
        restored = to_numpy(model.postprocess(bottleneck, qstep=qstep))
        expected = 256 * to_numpy(ks.ops.decode_quality_layers(bottleneck, qstep))
        np.testing.assert_allclose(restored, expected, atol=0.5)


def test_real_files_give_what_the_proxy_gives():
    depth = ks.datasets.depth_crops(1, size=48, seed=1)[:, :44, :37]  # not of whole blocks
    model = small_model()
    model.codec_proxy.set_effective_qstep(10.0)
    proxy = model(depth)
    files = ks.transport(model, depth, ks.codecs.JPEG(qstep=10))
    assert files["bottleneck"].shape == (1, 48, 40, 3)
    np.testing.assert_allclose(files["prediction"], to_numpy(proxy["prediction"]), atol=40)


def test_at_its_finest_it_is_beyond_what_8_bits_can_say():
    depth = ks.datasets.depth_crops(4, size=64, seed=7)
    layers = ks.transport(small_model(), depth, ks.codecs.JPEG(qstep=8))
    gray = [
        ks.codecs.JPEG(qstep=1).decode(
            ks.codecs.JPEG(qstep=1).encode(np.rint(d / 256).clip(0, 255).astype("uint8"))
        )
        for d in depth
    ]
    ours = np.abs(layers["prediction"] - depth).mean()
    theirs = np.abs(np.stack(gray) * 256.0 - depth).mean()
    assert ours < 0.6 * theirs


def test_tiles_give_what_the_whole_gives():
    depth = ks.datasets.depth_crops(1, size=96, seed=3)[0, :90]
    model = small_model()
    kernel = model.postprocessor.unet.output_convolution.kernel
    kernel.assign(keras.random.normal(kernel.shape, seed=1))
    codec = ks.codecs.JPEG(qstep=12)
    tiled, whole = (
        ks.transport(model, depth[None], codec, tile_size=size)["prediction"] for size in (40, None)
    )
    assert np.abs(whole - depth).max() > 1
    np.testing.assert_allclose(tiled, whole, atol=1.0)


def test_the_network_after_learns_and_comes_back_from_a_file(tmp_path):
    depth = ks.datasets.depth_crops(4, size=32, seed=2)
    model = ks.models.create_depth_codec_model(qstep_range=(24.0, 24.0), **SMALL)
    model.compile(keras.optimizers.Adam(3e-3), loss="mae")
    losses = model.fit(depth, epochs=12, batch_size=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0] - 0.05  # dB
    model.save_to_preset(tmp_path / "depth")
    again = ks.models.CompressIntraModel.from_preset(tmp_path / "depth")
    assert ks.presets.fingerprint(again) == ks.presets.fingerprint(model)
    for ours, theirs in (
        (again.preprocessor, model.preprocessor),
        (again.postprocessor, model.postprocessor),
    ):
        assert json.dumps(ours.get_config()) == json.dumps(theirs.get_config())


@pytest.mark.parametrize("changed", [{"qstep_range": (4.0, 64.0)}, {"chroma_subsampling": "4:2:0"}])
def test_what_the_layers_do_not_survive_is_refused(changed):
    with pytest.raises(ValueError, match="at least 8 and chroma of 4:4:4"):
        ks.models.create_depth_codec_model(**changed)


def test_pictures_of_colours_are_refused():
    with pytest.raises(ValueError, match="DepthPreprocessor takes"):
        ks.models.create_depth_codec_model(**SMALL).build((None, None, None, 3))
