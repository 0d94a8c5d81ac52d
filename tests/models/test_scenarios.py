import json

import numpy as np
import pytest
from autodiff import to_numpy

import keras_sandwich as ks

SMALL = {"encoder_filters": (3,), "decoder_filters": (4, 3)}


@pytest.mark.parametrize(
    ("create", "name", "qsteps", "gamma"),
    [
        (ks.models.create_grayscale_codec_model, "grayscale", (8, 96), 384.0),
        (ks.models.create_lowres_codec_model, "lowres_420", (3, 48), 158.4),
        (ks.models.create_color_codec_model, "color_420", (8, 96), 384.0),
    ],
)
def test_it_is_the_preset_s_model(create, name, qsteps, gamma):
    model = create()
    model.build((None, None, None, 3))
    preset = ks.models.CompressIntraModel.from_preset(name)
    for side in ("preprocessor", "postprocessor"):
        ours, theirs = (getattr(m, side).get_config() for m in (model, preset))
        assert json.dumps(ours) == json.dumps(theirs)
    assert model.qstep_range == preset.qstep_range == qsteps
    assert float(to_numpy(model.gamma)) == float(to_numpy(preset.gamma)) == pytest.approx(gamma)


@pytest.mark.parametrize("sampling", ["4:2:0", "4:4:4"])
@pytest.mark.parametrize(
    ("create", "baseline", "slope", "qsteps"),
    [
        (
            ks.models.create_lowres_codec_model,
            {"downsample_factor": 2, "resampling": "dct"},
            1.1,
            (3, 48),
        ),
        (ks.models.create_color_codec_model, {}, 0.5, (8, 96)),
    ],
)
def test_it_starts_as_the_linear_baseline(create, baseline, slope, qsteps, sampling):
    model = create(sampling, **SMALL)
    linear = ks.models.create_linear_baseline(bottleneck_channels=3, **baseline)
    for one in (model, linear):
        one.build((None, None, None, 3))
    images = np.random.default_rng(0).uniform(0, 255, (1, 48, 64, 3)).astype("float32")
    for name in ("bottleneck", "prediction"):
        ours, theirs = (
            to_numpy(m.call_through(images, lambda x: ({"rate": x[:, 0, 0, 0]}, x))[name])
            for m in (model, linear)
        )
        np.testing.assert_allclose(ours, theirs, atol=1e-3)
    assert model.qstep_range == qsteps
    assert float(to_numpy(model.gamma)) == pytest.approx(slope * qsteps[0] * qsteps[1])
    proxy = model.codec_proxy
    assert proxy.proxy.chroma_subsampling == proxy.rate_model.chroma_subsampling == sampling
    assert proxy.rate_model.interleaved
    assert proxy.proxy.convert_to_yuv


def test_what_is_given_takes_the_place_of_the_scenario_s():
    model = ks.models.create_color_codec_model(
        qstep_range=(4, 16), gamma=7.0, rate_model="gaussian", unet_block_size=None, **SMALL
    )
    assert float(to_numpy(model.gamma)) == 7.0
    assert model.qstep_range == (4, 16)
    assert isinstance(model.codec_proxy.rate_model, ks.layers.GaussianRate)
    assert model.postprocessor.unet.block_size is None
    with pytest.raises(TypeError, match="no_such_option"):
        ks.models.create_grayscale_codec_model(no_such_option=1)
    with pytest.raises(ValueError, match="qstep_range"):
        ks.models.create_grayscale_codec_model(qstep_range=(9, 3))
