import numpy as np
import pytest
from autodiff import to_numpy
from photographs import photographs

import keras_sandwich as ks

SMALL = {"encoder_filters": (3,), "decoder_filters": (4, 3)}


@pytest.mark.parametrize(
    ("gamma", "k", "step"), [(50.0, 0, 50**0.5), (900.0, 2, 7.5), (0.5, 0, 1.0)]
)
def test_the_step_starts_where_gamma_wants_it(gamma, k, step):
    model = ks.models.create_basic_model(gamma=gamma, num_truncate_bits=k, **SMALL)
    model.build((None, None, None, 3))
    np.testing.assert_allclose(to_numpy(model.codec_proxy.effective_qstep()), step + 1, rtol=1e-6)
    assert float(to_numpy(model.gamma)) == gamma


def test_every_argument_arrives():
    model = ks.models.create_basic_model(
        bottleneck_channels=3,
        output_channels=3,
        num_mlp_layers=3,
        rate_model="gaussian",
        downsample_factor=2,
        num_truncate_bits=1,
        gamma=33.0,
        patch_size=3,
        kernel_size=7,
        unet_patch_size=2,
        start="linear",
        convert_to_yuv=True,
        chroma_subsampling="4:2:2",
        rounding="uniform_noise",
        train_qstep=False,
        seed=9,
        dtype="mixed_bfloat16",
        **SMALL,
    )
    for side in (model.preprocessor, model.postprocessor):
        config = side.get_config()
        assert {name: config[name] for name in ("num_mlp_layers", "downsample_factor")} == {
            "num_mlp_layers": 3,
            "downsample_factor": 2,
        }
        assert (config["num_truncate_bits"], config["patch_size"], config["kernel_size"]) == (
            1,
            3,
            7,
        )
        assert (config["output_channels"], config["start"]) == (3, "linear")
        unet = side.unet.get_config()
        assert (unet["patch_size"], unet["output_channels"]) == (2, 3)
        assert tuple(unet["encoder_filters"]) == (3,)
        assert tuple(unet["decoder_filters"]) == (4, 3)
        assert side.unet.dtype_policy.name == "mixed_bfloat16"
    codec = model.codec_proxy.get_config()
    assert isinstance(model.codec_proxy.rate_model, ks.layers.GaussianRate)
    assert (codec["convert_to_yuv"], codec["chroma_subsampling"]) == (True, "4:2:2")
    assert (codec["rounding"], codec["seed"], codec["train_qstep"]) == ("uniform_noise", 9, False)
    bare = ks.models.create_basic_model(use_unet_preprocessor=False, use_unet_postprocessor=False)
    assert bare.preprocessor.unet is None
    assert bare.postprocessor.unet is None


def test_the_published_start_is_random_and_the_networks_are_off():
    models = [
        ks.models.create_basic_model(bottleneck_channels=3, start="published", **SMALL)
        for _ in range(2)
    ]
    pictures = photographs(1, 16, 16).astype("float32")
    outputs = [to_numpy(model(pictures)["bottleneck"]) for model in models]
    assert np.abs(outputs[0] - outputs[1]).max() > 1
    assert all(float(to_numpy(model.preprocessor.unet_scale)) == 0.0 for model in models)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gamma": -1.0}, "`gamma` must be finite and not negative"),
        ({"bottleneck_channels": 0}, "`output_channels` must be"),
        ({"downsample_factor": 0}, "`downsample_factor` must be a positive integer"),
        ({"num_truncate_bits": -1}, "`num_truncate_bits` must be an integer of at least 0"),
        ({"start": "warm"}, "`start` must be one of"),
        ({"rate_model": "huffman"}, "`rate_model` must be"),
        ({"encoder_filters": (8, 8)}, "one longer than `encoder_filters`"),
        ({"rounding": "none"}, "`rounding` must be one of"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        ks.models.create_basic_model(**{**SMALL, **options})
