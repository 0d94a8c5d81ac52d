"""Every argument of every class survives get_config, with values that are not the defaults."""

import inspect
import json

import keras
import numpy as np
import pytest
from float64_lpips import random_weights
from public_names import public_objects

import keras_sandwich as ks

TABLE = np.arange(1.0, 65.0).reshape(8, 8)
CODEC = {
    "luma_table": TABLE,
    "chroma_table": 2 * TABLE,
    "convert_to_yuv": True,
    "chroma_subsampling": "4:2:2",
    "clip_to_image_max": False,
    "image_max": 1023.0,
    "rounding": "uniform_noise",
    "seed": 5,
    "train_tables": True,
}
# Values that others of the class exclude: tested by themselves.
ALONE = {
    "JpegProxy": {"arithmetic": "libjpeg"},
    "EncodeDecodeIntra": {"arithmetic": "libjpeg"},
}
# Arguments that have one value so far.
ONLY = {"network"}


def unet(channels=3):
    return ks.models.UNet(channels, (3,), (4, 3))


def processor():
    return {
        "output_channels": 2,
        "unet": unet(2),
        "num_mlp_layers": 3,
        "mlp_width": 5,
        "patch_size": 3,
        "kernel_size": 7,
        "start": "published",
        "downsample_factor": 2,
        "num_truncate_bits": 4,
        "cascade": True,
        "train_linear": False,
        "resampling": "dct",
    }


def similarity():
    return {
        "scale": 7.0,
        "image_max": 1023.0,
        "name": "structure",
        "reduction": "sum",
        "dtype": "float64",
    }


# A value that is not the default for every parameter of every public class that has a config.
ARGUMENTS = {
    "JpegProxy": lambda: CODEC,
    "RandomJpeg": lambda: {
        "quality": (7, 60),
        "chroma_subsampling": "4:2:2",
        "arithmetic": "float",
        "value_range": (-1.0, 1.0),
        "seed": 3,
    },
    "GaussianRate": dict,
    "JpegRate": lambda: {
        "huffman": "standard",
        "gradient": "unrounded"
        if default_of(ks.layers.JpegRate, "gradient") == "quantized"
        else "quantized",
        "include_header": True,
        "interleaved": True,
        "chroma_subsampling": "4:2:0",
    },
    "EncodeDecodeIntra": lambda: {
        **CODEC,
        "qstep_init": 3.5,
        "train_qstep": False,
        "min_qstep": 0.25,
        "rate_model": ks.layers.JpegRate("standard", interleaved=True, chroma_subsampling="4:2:2"),
    },
    "VideoCodecProxy": lambda: {
        "qstep_intra": 3.5,
        "qstep_inter": 4.5,
        "train_qstep": False,
        "min_qstep": 0.25,
        "rate_model": ks.layers.JpegRate("standard", interleaved=True, chroma_subsampling="4:2:2"),
        "convert_to_yuv": True,
        "chroma_subsampling": "4:2:2",
        "rounding": "uniform_noise",
        "seed": 5,
        "loop_filter": ks.models.LoopFilter(unet(3), channels=3),
        "block_size": 24,
        "search_radius": 5,
        "precision": 2,
    },
    "MLP": lambda: {
        "output_channels": 4,
        "num_layers": 3,
        "width": 7,
        "patch_size": 2,
        "kernel_size": 3,
        "start": "linear",
        "decode": True,
        "train_linear": False,
    },
    "UNet": lambda: {
        "output_channels": 2,
        "encoder_filters": (3, 5),
        "decoder_filters": (7, 5, 3),
        "convolutions_per_block": 1,
        "drop_last_encoder_block": True,
        "output_activation": "sigmoid",
        "output_initializer": {"class_name": "Zeros", "config": {}},
        "patch_size": 2,
        "block_size": 16,
        "conditioned": True,
    },
    "StepModulation": lambda: {"channels": (3, 5)},
    "Preprocessor": processor,
    "Postprocessor": processor,
    "LoopFilter": lambda: {"network": unet(3), "channels": 3},
    "CompressIntraModel": lambda: {
        "preprocessor": ks.models.Preprocessor(1, unet(1)),
        "postprocessor": ks.models.Postprocessor(4, unet(4)),
        "codec_proxy": ks.layers.EncodeDecodeIntra(2.0, train_qstep=False, min_qstep=3.0),
        "gamma": 12.5,
        "loop_filter": ks.models.LoopFilter(unet(1)),
        "model_keys": ("albedo", "depth"),
        "bottleneck_penalty": False,
        "qstep_range": (9.0, 70.0),
        "cost_in_decibels": True,
        "seed": 5,
    },
    "CompressVideoModel": lambda: {
        "preprocessor": ks.models.Preprocessor(1, unet(1)),
        "postprocessor": ks.models.Postprocessor(4, unet(4)),
        "codec_proxy": ks.layers.VideoCodecProxy(
            2.0, 3.0, train_qstep=False, loop_filter=ks.models.LoopFilter(unet(1))
        ),
        "gamma": 12.5,
        "model_keys": ("albedo", "depth"),
        "bottleneck_penalty": True,
        "qstep_range": (9.0, 70.0),
        "cost_in_decibels": True,
        "seed": 5,
    },
    "StructuralSimilarity": similarity,
    "MultiScaleStructuralSimilarity": similarity,
    "LPIPS": lambda: {**similarity(), "weights": "lpips.npz", "network": "alexnet"},
    "FeatureDistance": lambda: {
        "model": keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="two")]),
        "layers": ["two"],
        "scale": 7.0,
        "name": "features",
        "reduction": "sum",
        "dtype": "float64",
    },
    "ShadingError": lambda: {
        **similarity(),
        "maps": ("color", "normal_xy", "occlusion", "roughness", "metalness"),
        "renders": 3,
        "seed": 5,
    },
    "NormalAngleError": similarity,
    "WeightedSum": lambda: {
        "losses": [keras.losses.MeanAbsoluteError(), ks.losses.StructuralSimilarity(scale=3.0)],
        "weights": [0.5, 2.0],
        "name": "both",
        "reduction": "sum",
        "dtype": "float64",
    },
    "DepthPreprocessor": lambda: {"unet": unet(1), "num_truncate_bits": 7},
    "DepthPostprocessor": lambda: {"unet": unet(1), "num_truncate_bits": 7},
    "PSNR": lambda: {"image_max": 1023.0, "name": "quality"},
    "BitsPerPixel": lambda: {"name": "bits"},
    "DistortionRate": lambda: {"gamma": 7.0, "name": "cost"},
}
CLASSES = {
    name.rpartition(".")[2]: value
    for name, value in public_objects().items()
    if inspect.isclass(value) and hasattr(value, "get_config")
}


def parameters(cls):
    return {
        name: parameter
        for name, parameter in inspect.signature(cls.__init__).parameters.items()
        if name != "self" and parameter.kind is not parameter.VAR_KEYWORD
    }


def default_of(cls, name):
    return parameters(cls)[name].default


def test_every_class_is_listed():
    assert set(CLASSES) == set(ARGUMENTS)


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
def test_config_round_trip(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("lpips.npz", **random_weights())
    arguments, alone = ARGUMENTS[name](), ALONE.get(name, {})
    assert {*arguments, *alone} == set(parameters(CLASSES[name]))
    check_round_trip(name, arguments)
    if alone:
        check_round_trip(name, alone)


def check_round_trip(name, arguments):
    cls = CLASSES[name]
    for argument, value in arguments.items():
        default = default_of(cls, argument)
        other = default is inspect.Parameter.empty or not np.array_equal(value, default)
        assert other or argument in ONLY, argument
    made = cls(**arguments)
    config = made.get_config()
    assert set(arguments) <= set(config)
    stored = json.loads(json.dumps(keras.saving.serialize_keras_object(made)))
    assert stored["registered_name"] == f"keras_sandwich>{name}"
    again = keras.saving.deserialize_keras_object(stored)
    assert type(again) is cls
    assert comparable(again.get_config()) == comparable(config)
    for argument, value in arguments.items():
        if isinstance(value, (str, bool, int, float)):
            assert config[argument] == value, argument
        elif isinstance(value, np.ndarray):
            assert np.array_equal(config[argument], value), argument


def comparable(config):
    return json.loads(json.dumps(keras.saving.serialize_keras_object(config), sort_keys=True))


@pytest.mark.parametrize(
    "name", ["JpegProxy", "RandomJpeg", "EncodeDecodeIntra", "MLP", "UNet", "Preprocessor"]
)
def test_keras_s_own_arguments_are_kept(name):
    made = CLASSES[name](**ARGUMENTS[name](), name="mine", trainable=False)
    again = CLASSES[name].from_config(made.get_config())
    assert (again.name, again.trainable) == ("mine", False)
