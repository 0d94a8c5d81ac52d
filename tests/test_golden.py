"""The golden numbers: what the published implementation computed (tests/golden/README.md)."""

import itertools
import sys

import keras
import numpy as np
import pytest
from autodiff import BACKEND, differentiate, run, to_numpy
from golden_cases import FOLDER, golden_cases
from keras import ops

import keras_sandwich as ks

KINDS = (
    "jpeg_proxy",
    "encode_decode_intra",
    "chroma",
    "resample",
    "unet",
    "model",
    "schedule",
    "jpeg_sizes",
    "video",
)
# PyTorch compiles for a minute or more, so there one shape of these kinds stands for all.
COMPILED = 1 if BACKEND == "torch" else 2
COMPILED_KINDS = (
    ("jpeg_proxy", "encode_decode_intra")
    if BACKEND == "torch"
    else ("jpeg_proxy", "encode_decode_intra", "chroma", "resample", "unet", "model")
)


def all_cases():
    return [parameter for kind in KINDS for parameter in golden_cases(kind)]


def compiled_cases():
    """The first cases of each kind that differ in the shape of their pictures."""
    chosen = []
    for kind in COMPILED_KINDS:
        by_shape = {}
        for parameter in golden_cases(kind):
            by_shape.setdefault(parameter.values[0].arrays["x"].shape, parameter)
        chosen.extend(itertools.islice(by_shape.values(), COMPILED))
    return chosen


@pytest.mark.parametrize("case", all_cases())
def test_golden(case):
    CHECKS[case.config["kind"]](case, compile=False)


@pytest.mark.skipif(
    keras.backend.backend() == "torch",
    reason="torch.compile does not trace NumPy steps; tests/layers compile the layers whole",
)
@pytest.mark.parametrize("case", compiled_cases())
def test_compiled(case):
    CHECKS[case.config["kind"]](case, compile=True)


@pytest.mark.parametrize("case", golden_cases("jpeg_proxy")[:4])
def test_golden_on_accelerators(case, monkeypatch):
    """With the DCT that GPUs take, which no CPU would."""
    module = sys.modules["keras_sandwich.ops.dct"]  # `ks.ops.dct` is the function
    monkeypatch.setattr(module, "products_are_float32", lambda x: False)
    check_jpeg_proxy(case, compile=False)


def test_every_file_is_a_case():
    assert len(all_cases()) == len(list(FOLDER.glob("*.npz"))) > 0


def check_jpeg_proxy(case, compile):
    config, arrays = case
    tables = {name: arrays[name] for name in ("luma_table", "chroma_table") if name in arrays}
    proxy = ks.layers.JpegProxy(
        **tables, clip_to_image_max=config["clip_to_image_max"], **codec_options(config)
    )

    def loss(x):
        decoded, indices = proxy(x, qstep=config["qstep"])
        return ops.sum(ops.multiply(arrays["cotangent"], decoded)), (decoded, indices)

    (decoded, indices), (grad_x,), _ = differentiate(loss, [arrays["x"]], compile=compile)
    assert_pictures(decoded, arrays["decoded"])
    for component, name in zip(indices, ("coeff_y", "coeff_u", "coeff_v"), strict=True):
        assert component.shape == arrays[name].shape
        assert_blocks(component * config["qstep"], arrays[name], 2e-2)
    assert_relative(grad_x, arrays["grad_x"], 1e-3, "grad_x")


def check_encode_decode_intra(case, compile):
    config, arrays = case
    options = codec_options(config)
    layer = ks.layers.EncodeDecodeIntra(
        qstep_init=config["qstep_init"],
        min_qstep=config["min_qstep"],
        rate_model=rate_model(config, options),
        **options,
    )
    layer.build(arrays["x"].shape)

    def loss(x):
        decoded, rate = layer(x)
        others = (decoded, rate, layer.effective_qstep())
        return ops.sum(ops.multiply(arrays["cotangent"], decoded)) + ops.sum(rate), others

    def rate_of(x):
        return ops.sum(layer(x)[1]), ()

    (decoded, rate, qstep), (grad_x,), (grad_qstep,) = differentiate(
        loss, [arrays["x"]], [layer.qstep], compile=compile
    )
    np.testing.assert_allclose(qstep, arrays["qstep"], rtol=1e-6)
    assert_pictures(decoded, arrays["decoded"])
    if config["rate_model"] == "gaussian":
        (grad_rate,) = differentiate(rate_of, [arrays["x"]], [layer.qstep], compile=compile)[2]
        np.testing.assert_allclose(rate, arrays["rate"], rtol=2e-4)
        assert_relative(grad_x, arrays["grad_x"], 1e-3, "grad_x")
        assert_relative(grad_qstep, arrays["grad_qstep"], 1e-3, "grad_qstep")
        assert_relative(grad_rate, arrays["grad_rate_qstep"], 1e-3, "grad_rate_qstep")
    elif config["compare_rate"]:
        files = arrays["scan_bits"].reshape(len(rate), -1)
        allowed = 0.04 * files.sum(axis=1) + 64 * files.shape[1]
        assert np.all(np.abs(rate - files.sum(axis=1)) <= allowed), (rate, files.sum(axis=1))


def check_chroma(case, compile):
    arrays = case.arrays
    for function, given, expected in (
        (ks.ops.yuv_444_to_420, "x", "to_420"),
        (ks.ops.yuv_420_to_444, "to_420", "back_to_444"),
    ):
        result = run(function, arrays[given], compile=compile)
        np.testing.assert_allclose(result, arrays[expected], rtol=0, atol=2e-2)


def check_resample(case, compile):
    config, arrays = case
    factor = config["factor"]
    height, width = arrays["x"].shape[1:3]
    small = (height // factor, width // factor)
    large = (small[0] * factor, small[1] * factor)
    for direction, given, size in (("down", "x", small), ("up", "down", large)):
        method, *words = config[direction].split()

        def resize(x, size=size, method=method, antialias="antialias" in words):
            return ks.ops.resize(x, size, method, antialias)

        result = run(resize, arrays[given], compile=compile)
        np.testing.assert_allclose(result, arrays[direction], rtol=0, atol=2e-2)


def check_unet(case, compile):
    config, arrays = case
    unet = published_unet(config["out"], config["encoder_filters"], config["decoder_filters"])
    unet.build(arrays["x"].shape)
    named = named_unet_weights(unet)
    load(named, arrays)

    def loss(x):
        y = unet(x)
        return ops.sum(ops.multiply(arrays["cotangent"], y)), y

    y, (grad_x,), gradients = differentiate(
        loss, [arrays["x"]], list(named.values()), compile=compile
    )
    assert_relative(y, arrays["y"], 1e-4, "y")
    assert_relative(grad_x, arrays["grad_x"], 1e-4, "grad_x")
    for name, gradient in zip(named, gradients, strict=True):
        assert_relative(gradient, arrays[f"g/{name}"], 1e-4, name)


def check_model(case, compile):
    config, arrays = case
    x = arrays["x"]
    model = published_model(case)
    named = named_model_weights(model)
    load(named, arrays)
    model.compile(
        keras.optimizers.Adam(1e-3),
        loss="mse",
        jit_compile=compile or "auto",
        run_eagerly=not compile and BACKEND != "jax",
    )

    def loss(x):
        outputs = model(x, training=True)
        return model.compute_loss(x, None, outputs, None), outputs

    differentiated = [name for name in named if f"g/{name}" in arrays]
    outputs, _, gradients = differentiate(
        loss, [x], [named[name] for name in differentiated], compile=compile
    )
    for name in ("prediction", "bottleneck", "compressed_bottleneck"):
        assert_pictures(outputs[name], arrays[f"out/{name}"])
    if config["rate_model"] == "jpeg":
        # The published rate counts whole files, zero channels too; only their total can be met.
        expected = arrays["out/rate"] - arrays["zero_channels_bits"]
        assert np.all(np.abs(file_bits(model, outputs) - expected) <= 0.05 * expected)
        return
    np.testing.assert_allclose(outputs["rate"], arrays["out/rate"], rtol=2e-4)

    for penalty, name in ((False, "loss"), (True, "loss_with_penalty")):
        model.bottleneck_penalty = penalty
        losses = [
            float(model.compute_loss(x[i : i + 1], None, one_of(outputs, i), None))
            for i in range(len(x))
        ]
        np.testing.assert_allclose(losses, arrays[name], rtol=1e-4)

    elements = np.prod(outputs["prediction"].shape[1:])
    cost = ks.metrics.DistortionRate(gamma=config["gamma"])
    distortion = ks.losses.distortion_per_sample("mse", x, outputs["prediction"])
    cost.update_state(distortion, outputs["rate"], elements)
    logs = model.evaluate(x, batch_size=len(x), verbose=0, return_dict=True)
    bits_per_element = logs["bpp"] * np.prod(outputs["prediction"].shape[1:3]) / elements
    measured = [float(cost.result()), logs["distortion"], bits_per_element]
    np.testing.assert_allclose(measured, arrays["metric"], rtol=1e-4)
    np.testing.assert_allclose(logs["loss"], arrays["loss_with_penalty"].mean(), rtol=1e-4)

    for name, gradient in zip(differentiated, gradients, strict=True):
        assert_relative(gradient, arrays[f"g/{name}"], 2e-3, name)

    batches = itertools.cycle(arrays["train_batches"])
    train_losses = []
    for batch in itertools.islice(batches, len(arrays["train_losses"])):
        model.reset_metrics()
        train_losses.append(model.train_on_batch(batch, return_dict=True)["loss"])
    np.testing.assert_allclose(to_numpy(train_losses), arrays["train_losses"], rtol=1e-2)


def check_schedule(case, compile):
    config, arrays = case
    schedule = ks.callbacks.TrainingSchedule(
        mlps_only=config["mlps_only"], mlps_and_unet_post=config["mlps_and_unet_post"]
    )
    before = (1.0, 1.0)  # networks are on until a schedule turns them off
    for row in arrays["table"]:
        expected = dict(zip(config["columns"], row, strict=True))
        switches = schedule.switches(int(expected["epoch"]) / config["num_epochs"])
        assert tuple(switches) == (expected["pre_switch"], expected["post_switch"]), expected
        assert (tuple(switches) != before) == bool(expected["changed"]), expected
        before = tuple(switches)


def check_jpeg_sizes(case, compile):
    config, arrays = case
    proxy = ks.layers.JpegProxy()
    columns = [column for column, step in enumerate(config["qsteps"]) if step >= 4]
    steps = np.array(config["qsteps"], "float32")[columns]
    for number in itertools.count():
        if f"image_{number}" not in arrays:
            break
        image = arrays[f"image_{number}"]
        images = np.broadcast_to(image[None, ..., None], (len(steps), *image.shape, 1))
        _, indices = proxy(images, qstep=steps)
        for count, name in (
            (ks.ops.jpeg_scan_bits, "scan_bits"),
            (ks.ops.jpeg_file_bits, "file_bits"),
        ):
            bits = to_numpy(count(indices, image.shape, huffman="optimized"))
            expected = arrays[name][number, columns]
            assert np.all(np.abs(bits - expected) <= 0.02 * expected + 64), (name, bits, expected)
    assert number > 0


def check_video(case, compile):
    config, arrays = case
    stages = published_video_stages(case)
    sandwich = ks.models.CompressVideoModel(*stages, gamma=50.0)
    sandwich.build({"image": arrays["clip"].shape})

    def model(clips, flow):
        if config["video_is_420"]:
            clips = ks.ops.yuv_420_to_444(clips)
        inputs = {"image": clips, "flow": flow}
        if config["bit_depth"] != 8:
            inputs["bit_depth"] = np.full(clips.shape[0], config["bit_depth"])
        outputs = dict(sandwich(inputs))
        if config["video_is_420"]:
            outputs["prediction"] = ks.ops.yuv_444_to_420(outputs["prediction"])
        return outputs

    flow = arrays["backward_flow"][
        :, :-1
    ]  # of the last, which would lead to one more, nothing is read
    flow = meant_flow(flow, config["downsample_factor"])
    outputs = run(model, arrays["clip"], flow, compile=compile or None)
    expected = {name[4:]: arrays[name] for name in arrays if name.startswith("out/")}
    np.testing.assert_allclose(outputs["rate"], expected.pop("rate"), rtol=5e-4)
    assert expected.keys() >= {"prediction", "recons_bottleneck", "errors", "compressed_errors"}
    for name, clips in expected.items():
        frames = [c.reshape(-1, *c.shape[2:]) for c in (outputs[name], clips)]
        blocks = [to_numpy(ks.ops.image_to_blocks(ks.ops.pad_to_multiple(f, 8))) for f in frames]
        assert_blocks(*(b.reshape(-1, 64) for b in blocks), 5e-2)


def meant_flow(flow, factor):
    """A flow, constant in each block, whose reduction by `factor` is what the published warp reads.

    That keeps the places of the full-size picture, p = factor·i + factor // 2, and samples the reduced frame there.
    """
    if factor == 1:
        return flow
    places = [factor * np.arange(size // factor) + factor // 2 for size in flow.shape[2:4]]
    read = flow[:, :, places[0]][:, :, :, places[1]]
    own = np.stack(np.meshgrid(*(place // factor for place in places), indexing="ij"), axis=-1)
    at = np.stack(np.meshgrid(*places, indexing="ij"), axis=-1)
    meant = factor * (at + read - own)
    return np.repeat(np.repeat(meant, factor, axis=2), factor, axis=3).astype("float32")


CHECKS = {kind: globals()[f"check_{kind}"] for kind in KINDS}


# The models of the files


def codec_options(config):
    return {
        "convert_to_yuv": config.get("convert_to_yuv", False),
        "chroma_subsampling": "4:2:0" if config.get("downsample_chroma", False) else "4:4:4",
        "image_max": config.get("image_max", 255.0),
    }


def rate_model(config, options):
    if config["rate_model"] == "gaussian":
        return "gaussian"
    return ks.layers.JpegRate(
        "optimized",
        interleaved=options["convert_to_yuv"],
        chroma_subsampling=options["chroma_subsampling"],
    )


def published_unet(channels, encoder_filters, decoder_filters):
    return ks.models.UNet(
        channels, tuple(encoder_filters), tuple(decoder_filters), drop_last_encoder_block=True
    )


def published_model(case):
    config, arrays = case
    options = codec_options(config)

    def unet(side, channels):
        if not any(name.startswith(f"w/{side}/") for name in arrays):
            return None
        return published_unet(channels, config["encoder_filters"], config["decoder_filters"])

    shared = {
        "num_mlp_layers": config["num_mlp_layers"],
        "mlp_width": config["num_mlp_nodes"],
        "start": "published",
        "downsample_factor": config["downsample_factor"],
        "num_truncate_bits": config["num_truncate_bits"],
    }
    bottleneck, output = config["bottleneck_channels"], config["output_channels"]
    loop_filter = None
    if config["loop_filter"]:
        loop_filter = ks.models.LoopFilter(published_unet(1, *config["loop_filter_filters"]))
    model = ks.models.CompressIntraModel(
        ks.models.Preprocessor(bottleneck, unet("Preprocessor", bottleneck), **shared),
        ks.models.Postprocessor(output, unet("Postprocessor", output), **shared),
        ks.layers.EncodeDecodeIntra(
            qstep_init=config["qstep_init"],
            min_qstep=config["min_qstep"],
            rate_model=rate_model(config, options),
            **options,
        ),
        gamma=config["gamma"],
        loop_filter=loop_filter,
    )
    model.build(arrays["x"].shape)
    return model


def published_video_stages(case):
    """The preprocessor, the postprocessor and the codec's proxy, with the weights of the file."""
    config, arrays = case
    shared = {
        "num_mlp_layers": config["num_mlp_layers"],
        "mlp_width": config["num_mlp_nodes"],
        "start": "published",
        "downsample_factor": config["downsample_factor"],
        "resampling": "filters",
    }
    filters = config["encoder_filters"], config["decoder_filters"]
    channels = {"Preprocessor": config["bottleneck_channels"], "Postprocessor": 3}
    stages, named = {}, {}
    for side, outputs in channels.items():
        stage = getattr(ks.models, side)(outputs, published_unet(outputs, *filters), **shared)
        stage.build((None, None, None, 3 if side == "Preprocessor" else channels["Preprocessor"]))
        named |= named_processor_weights(stage, side)
        stages[side] = stage
    codec = ks.layers.VideoCodecProxy(
        config["qstep_init"],
        config["qstep_init"],
        min_qstep=config["min_qstep"],
        rate_model=config["rate_model"],
        chroma_subsampling="4:2:0" if config["codec_proxy_is_420"] else "4:4:4",
    )
    codec.build((None, *arrays["out/bottleneck"].shape[1:]))
    named |= {f"qstep_{part}": getattr(codec, part).qstep for part in ("intra", "inter")}
    load(named, {name: arrays[name] for name in arrays if name != "w/gamma"})
    return stages["Preprocessor"], stages["Postprocessor"], codec


def named_unet_weights(unet, prefix=""):
    convolutions = {"output": unet.output_convolution}
    for layer in [*unet.encoder, *unet.decoder]:
        block, convolution = layer.name.rsplit("_conv_", 1)
        convolutions[f"{block}/conv_{convolution}"] = layer
    return named_convolutions(convolutions, prefix)


def named_convolutions(convolutions, prefix):
    return {
        f"{prefix}{name}/{part}": getattr(layer, part)
        for name, layer in convolutions.items()
        for part in ("kernel", "bias")
    }


def named_model_weights(model):
    named = {"qstep": model.codec_proxy.qstep, "gamma": model.gamma}
    for side, processor in (
        ("Preprocessor", model.preprocessor),
        ("Postprocessor", model.postprocessor),
    ):
        named |= named_processor_weights(processor, side)
    if model.loop_filter is not None:
        named |= named_unet_weights(model.loop_filter.network, "LoopFilter/")
    return named


def named_processor_weights(processor, side):
    named = {}
    if processor.unet is not None:
        named |= named_unet_weights(processor.unet, f"{side}/")
        named[f"{side.lower()}_scaler"] = processor.unet_scale
        named[f"unet_{side.lower()}_switch"] = processor.unet_switch
    if processor.mlp is not None:
        layers = {layer.name: layer for layer in [*processor.mlp.hidden, processor.mlp.last]}
        named |= named_convolutions(layers, f"MLP{side}/")
    return named


def load(named, arrays):
    """Gives every weight its value, and every value of the file a weight."""
    stored = {name[2:] for name in arrays if name.startswith("w/")}
    unplaced = stored - set(named) - {"min_qstep"}
    unused = {name for name in unplaced if name.endswith(("_scaler", "_switch"))}
    assert not unplaced - unused
    assert not set(named) - stored
    for name, variable in named.items():
        variable.assign(arrays[f"w/{name}"])


def file_bits(model, outputs):
    """Whole grayscale files for each channel, headers included, as the published rate has them."""
    coded = outputs["bottleneck"].clip(0, 255)
    _, indices = model.codec_proxy.proxy(
        np.round(coded), qstep=to_numpy(model.codec_proxy.effective_qstep())
    )
    counts = [
        to_numpy(ks.ops.jpeg_file_bits(component, coded.shape[1:3], huffman="optimized"))
        for component in indices
    ]
    return np.sum(counts, axis=0)


def one_of(outputs, number):
    return {
        name: ops.convert_to_tensor(value[number : number + 1]) for name, value in outputs.items()
    }


# The comparisons


def assert_pictures(actual, expected):
    assert actual.shape == expected.shape
    blocks = [
        to_numpy(ks.ops.image_to_blocks(ks.ops.pad_to_multiple(pictures, 8)))
        for pictures in (actual, expected)
    ]
    assert_blocks(*(b.reshape(-1, 64) for b in blocks), 2e-2)


def assert_blocks(actual, expected, atol):
    """Equal but for a rounding tie in 0.1 % of the blocks, which lie along the last axis."""
    wrong = np.any(np.abs(actual - expected) > atol, axis=-1)
    assert wrong.sum() <= 0.001 * wrong.size, f"{wrong.sum()} of {wrong.size} blocks differ"


def assert_relative(actual, expected, tolerance, name):
    error = np.linalg.norm(np.ravel(actual - expected))
    size = np.linalg.norm(np.ravel(expected))
    assert error <= tolerance * max(size, 1e-6), f"{name}: {error / max(size, 1e-6):.2e} relative"
