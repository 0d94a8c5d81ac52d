"""The chains without training, against NumPy in float64 and Pillow's resampling."""

import io

import numpy as np
import pytest
from keras import ops
from photographs import photographs
from PIL import Image

import keras_sandwich as ks
from keras_sandwich.evaluation import (
    CodecAlone,
    best_subsampling,
    pareto_frontier,
    rd_curve,
    untrained_baselines,
)
from keras_sandwich.evaluation.baselines import untrained_systems
from keras_sandwich.models import (
    create_linear_baseline,
    create_postprocessor_baseline,
    create_preprocessor_baseline,
)


def low_pass(plane: np.ndarray) -> np.ndarray:
    """Gaussian of σ 2 over ±4 pixels, of sum 1, nothing beyond the borders."""
    taps = np.exp(-(np.arange(-4, 5) ** 2) / (2 * 2.0**2))
    taps /= taps.sum()
    for axis in (0, 1):
        plane = np.apply_along_axis(np.convolve, axis, plane, taps, "same")
    return plane


def luma(rgb: np.ndarray) -> np.ndarray:
    return rgb @ np.array([0.299, 0.587, 0.114])


def carriers(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:height, :width]
    return (-1.0) ** x, (-1.0) ** y


def modulate(rgb: np.ndarray) -> np.ndarray:
    """128 + 0.8·(Y − 128) + ½·(U·(−1)^x + V·(−1)^y), U and V low-passed."""
    rgb = rgb.astype("float64")
    along_x, along_y = carriers(*rgb.shape[:2])
    y = luma(rgb)
    u, v = (rgb[..., 2] - y) / 1.772, (rgb[..., 0] - y) / 1.402
    return 128 + 0.8 * (y - 128) + 0.5 * (low_pass(u) * along_x + low_pass(v) * along_y)


def demodulate(gray: np.ndarray) -> np.ndarray:
    gray = gray.astype("float64") - 128
    along_x, along_y = carriers(*gray.shape)
    u_wave, v_wave = low_pass(gray * along_x), low_pass(gray * along_y)
    y = 128 + (gray - u_wave * along_x - v_wave * along_y) / 0.8
    u, v = u_wave / 0.5, v_wave / 0.5
    red, blue = y + 1.402 * v, y + 1.772 * u
    green = (y - 0.299 * red - 0.114 * blue) / 0.587
    return np.stack([red, green, blue], axis=-1)


def through_jpeg(gray: np.ndarray, qstep: int) -> tuple[np.ndarray, int]:
    """Decoded pixels of a grayscale file with a flat table, and the file's bits."""
    buffer = io.BytesIO()
    pixels = np.clip(np.rint(gray), 0, 255).astype("uint8")
    Image.fromarray(pixels).save(buffer, "JPEG", qtables=[[qstep] * 64], optimize=True)
    return np.asarray(Image.open(buffer)), 8 * len(buffer.getvalue())


def decibels(reference: np.ndarray, picture: np.ndarray) -> float:
    error = np.clip(np.rint(picture), 0, 255) - reference.astype("float64")
    return float(10 * np.log10(255**2 / np.mean(error**2)))


PICTURES = photographs(4, 96, 128)


def test_carriers_pixel_by_pixel():
    chain = create_linear_baseline(bottleneck_channels=1)
    coded = ops.convert_to_numpy(chain.preprocess(PICTURES))
    gray = np.random.default_rng(0).uniform(0, 255, (2, 64, 50))
    restored = ops.convert_to_numpy(chain.postprocess(gray[..., None]))
    for number, picture in enumerate(PICTURES):
        np.testing.assert_allclose(coded[number, ..., 0], modulate(picture), atol=2e-3)
    for number, picture in enumerate(gray):
        np.testing.assert_allclose(restored[number], demodulate(picture), atol=5e-3)


def test_carrier_chain_through_real_files():
    steps = (8, 30)
    curve = rd_curve(create_linear_baseline(), PICTURES, ks.codecs.JPEG(), steps, verbose=0)
    for row, qstep in enumerate(steps):
        for number, picture in enumerate(PICTURES):
            decoded, bits = through_jpeg(modulate(picture), qstep)
            # A pixel at a rounding tie may fall to either side.
            assert curve.bpp[row, number] == pytest.approx(bits / (96 * 128), rel=2e-3)
            expected = decibels(picture, demodulate(decoded))
            assert curve.psnr[row, number] == pytest.approx(expected, abs=0.01)


def test_luma_alone_through_real_files():
    system = CodecAlone(luma_only=True)
    curve = rd_curve(system, PICTURES, ks.codecs.JPEG(), (8, 30), verbose=0)
    assert curve.name == "codec alone, luma only (4:0:0)"
    for row, qstep in enumerate((8, 30)):
        for number, picture in enumerate(PICTURES):
            decoded, bits = through_jpeg(luma(picture.astype("float64")), qstep)
            assert curve.bpp[row, number] == pytest.approx(bits / (96 * 128), rel=2e-3)
            expected = decibels(picture, np.repeat(decoded[..., None], 3, axis=-1))
            assert curve.psnr[row, number] == pytest.approx(expected, abs=0.01)


def test_carriers_carry_colour():
    luma_only, chain = (
        rd_curve(system, PICTURES, ks.codecs.JPEG(), (12,), verbose=0)
        for system in (CodecAlone(luma_only=True), create_linear_baseline())
    )
    assert chain.mean_psnr[0] > luma_only.mean_psnr[0] + 3


def test_the_codec_alone_changes_nothing_itself():
    system = CodecAlone()
    np.testing.assert_array_equal(ops.convert_to_numpy(system.preprocess(PICTURES)), PICTURES)
    np.testing.assert_array_equal(ops.convert_to_numpy(system.postprocess(PICTURES)), PICTURES)


def resized(picture: np.ndarray, size: tuple[int, int], method) -> np.ndarray:
    planes = [
        np.asarray(Image.fromarray(picture[..., channel].astype("float32")).resize(size, method))
        for channel in range(picture.shape[-1])
    ]
    return np.stack(planes, axis=-1)


def test_low_resolution_chain_resamples_as_pillow_does():
    chain = create_linear_baseline(bottleneck_channels=3, downsample_factor=2)
    picture = PICTURES[0]
    small = ops.convert_to_numpy(chain.preprocess(picture[None]))[0]
    np.testing.assert_allclose(small, resized(picture, (64, 48), Image.BICUBIC), atol=2e-2)
    large = ops.convert_to_numpy(chain.postprocess(small[None]))[0]
    np.testing.assert_allclose(large, resized(small, (128, 96), Image.LANCZOS), atol=2e-2)


def test_bit_depth_chain_truncates():
    chain = create_linear_baseline(3, 3, num_truncate_bits=3)
    deep = np.random.default_rng(0).integers(0, 2048, (1, 16, 24, 3)).astype("float32")
    coded = ops.convert_to_numpy(chain.preprocess(deep + 0.5))  # no pixel at a step's edge
    np.testing.assert_array_equal(coded, np.floor(deep / 8))
    restored = ops.convert_to_numpy(chain.postprocess(coded))
    np.testing.assert_allclose(restored, np.floor(deep / 8) * 8 + 4, atol=1e-2)


def test_identity_chain():
    chain = create_linear_baseline(3, 3)
    for step in (chain.preprocess, chain.postprocess):
        np.testing.assert_allclose(ops.convert_to_numpy(step(PICTURES)), PICTURES, atol=1e-3)


@pytest.mark.parametrize(
    ("baseline", "frozen", "trained"),
    [
        (create_postprocessor_baseline, "preprocessor", "postprocessor"),
        (create_preprocessor_baseline, "postprocessor", "preprocessor"),
    ],
)
def test_one_network_alone_trains_and_the_other_side_stays_the_chain(baseline, frozen, trained):
    shape = {"bottleneck_channels": 3, "downsample_factor": 2}
    model = baseline(**shape, encoder_filters=(4,), decoder_filters=(6, 4), gamma=100.0)
    assert getattr(model, frozen).unet is None
    pictures = PICTURES.astype("float32")
    chain = create_linear_baseline(**shape)
    stage = {"preprocessor": "preprocess", "postprocessor": "postprocess"}
    begun = ops.convert_to_numpy(getattr(model, stage[trained])(pictures))
    for side in (frozen, trained):
        ours, theirs = (getattr(m, stage[side])(pictures) for m in (model, chain))
        np.testing.assert_allclose(
            ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs), atol=1e-3
        )
    model.compile("adam", "mse")
    model.fit(pictures, epochs=2, batch_size=2, verbose=0)
    np.testing.assert_allclose(
        ops.convert_to_numpy(getattr(model, stage[frozen])(pictures)),
        ops.convert_to_numpy(getattr(chain, stage[frozen])(pictures)),
        atol=1e-3,
    )
    moved = ops.convert_to_numpy(getattr(model, stage[trained])(pictures))
    assert np.abs(moved - begun).max() > 0.05


def test_best_subsampling_is_beaten_by_none():
    pictures, strengths = PICTURES[:3], (8, 20, 50, 120)
    best = best_subsampling(CodecAlone(), pictures, ks.codecs.JPEG(qstep=1), strengths, verbose=0)
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        codec = ks.codecs.JPEG(qstep=1, chroma_subsampling=subsampling)
        alone = rd_curve(CodecAlone(), pictures, codec, strengths, verbose=0)
        for bpp, psnr in zip(alone.mean_bpp, alone.mean_psnr, strict=True):
            if best.mean_bpp.min() <= bpp <= best.mean_bpp.max():
                assert best.psnr_at(bpp) >= psnr - 0.3  # where two curves cross
    assert len({source.rpartition(" ")[2] for source in best.sources}) > 1


def test_a_grayscale_codec_has_no_subsampling_to_choose():
    codec = ks.codecs.JPEG(qstep=1, chroma_subsampling="4:2:0")
    luma = CodecAlone(luma_only=True)
    curve = best_subsampling(luma, PICTURES[:1], codec, (8, 32), verbose=0)
    assert not curve.sources
    assert len(curve.strengths) == 2


def test_a_codec_of_red_green_and_blue_has_no_subsampling_to_choose():
    codec = ks.codecs.JPEG(qstep=1, color_transform=False)
    curve = best_subsampling(CodecAlone(), PICTURES[:1], codec, (8, 32), verbose=0)
    assert curve.codec == "JPEG RGB"
    assert not curve.sources


@pytest.mark.parametrize("channels", [1, 5])
def test_other_channels_have_no_subsampling_to_choose(channels):
    pictures = PICTURES[:1, :32, :32, :1].repeat(channels, -1)
    codec = ks.codecs.JPEG(qstep=1, chroma_subsampling="4:2:0")
    curve = best_subsampling(CodecAlone(), pictures, codec, (8, 32), verbose=0)
    assert not curve.sources
    same = ks.models.CompressIntraModel(None, None, ks.layers.EncodeDecodeIntra())
    assert not best_subsampling(same, pictures, codec, (8, 32), verbose=0).sources


def test_the_first_metric_chooses_the_subsampling():
    rng = np.random.default_rng(0)
    pictures = PICTURES[:1] // 2 + rng.integers(0, 60, (1, *PICTURES.shape[1:3], 3))
    codec, chosen = ks.codecs.JPEG(qstep=1), []
    for metrics in (("psnr-rgb", "ssim-rgb"), ("ssim-rgb", "psnr-rgb"), ("ssim-rgb",)):
        best = best_subsampling(
            CodecAlone(), pictures, codec, (8, 16, 32, 64), metrics=metrics, verbose=0
        )
        assert pareto_frontier([best], metrics[0]).strengths == best.strengths
        chosen.append(best.sources)
    assert chosen[0] != chosen[1] == chosen[2]


def test_untrained_baselines_of_a_low_resolution_sandwich():
    model = create_linear_baseline(bottleneck_channels=3, downsample_factor=2)
    pictures, codec = PICTURES[:2], ks.codecs.JPEG(qstep=1)
    curves = untrained_baselines(model, pictures, codec, (4, 16), (20, 60), verbose=0)
    filters, dct, plain = curves
    assert [curve.name for curve in curves] == [
        "linear baseline, bicubic and Lanczos3",
        "linear baseline, DCT resampling",
        "codec alone",
    ]
    again = best_subsampling(model, pictures, codec, (4, 16), verbose=0)
    np.testing.assert_allclose(filters.mean_psnr, again.mean_psnr, atol=1e-3)
    start = create_linear_baseline(3, downsample_factor=2, resampling="dct")
    again = best_subsampling(start, pictures, codec, (4, 16), verbose=0)
    np.testing.assert_allclose(dct.mean_psnr, again.mean_psnr, atol=1e-3)
    alone = best_subsampling(CodecAlone(), pictures, codec, (20, 60), verbose=0)
    np.testing.assert_array_equal(plain.bpp, alone.bpp)


def test_untrained_baselines_of_a_grayscale_sandwich():
    pictures, codec = PICTURES[:2, :32, :48], ks.codecs.JPEG(qstep=1)
    curves = untrained_baselines(create_linear_baseline(1), pictures, codec, (8, 16), verbose=0)
    assert [curve.name for curve in curves] == [
        "linear baseline, modulated chroma",
        "linear baseline, multiplexed chroma",
        "codec alone",
        "codec alone, luma only (4:0:0)",
    ]
    for curve, patch_size in zip(curves[:2], (2, 16), strict=True):
        model = ks.models.create_basic_model(
            num_mlp_layers=1,
            patch_size=patch_size,
            use_unet_preprocessor=False,
            use_unet_postprocessor=False,
        )
        again = rd_curve(model, pictures, codec, (8, 16), verbose=0)
        np.testing.assert_allclose(curve.mean_psnr, again.mean_psnr, atol=1e-3)


@pytest.mark.parametrize("luma_only", [False, True])
def test_the_codec_alone_codes_deep_samples_as_they_are(luma_only):
    codec = ks.codecs.JPEG2000(bits=10)
    rng = np.random.default_rng(0)
    deep = rng.integers(0, 1021, (24, 32, 1 if luma_only else 3)).repeat(3 if luma_only else 1, -1)
    curve = rd_curve(CodecAlone(luma_only, num_truncate_bits=2), [deep], codec, (1, 30), verbose=0)
    samples = (deep[..., :1] if luma_only else deep).astype("uint16")
    for row, strength in enumerate(curve.strengths):
        file = codec.with_strength(strength).encode(samples)
        error = np.clip(codec.decode(file), 0, 1020) - deep.astype("float64")
        expected = 10 * np.log10(1020**2 / max(np.mean(error**2), 1e-6))
        assert curve.psnr[row, 0] == pytest.approx(expected, abs=1e-4)
        assert curve.bpp[row, 0] == 8 * len(file) / (24 * 32)
    assert curve.psnr[0, 0] > 61  # eight bits have 59 dB


def test_untrained_baselines_of_deep_pictures():
    model = create_linear_baseline(3, 3, num_truncate_bits=2)
    deep = PICTURES[:1, :32, :32] * 4.0
    ten = untrained_baselines(model, deep, ks.codecs.JPEG2000(bits=10), (1,), verbose=0)
    assert [curve.name for curve in ten] == ["linear baseline", "codec alone"]
    direct = rd_curve(
        CodecAlone(num_truncate_bits=2), deep, ks.codecs.JPEG2000(bits=10), (1,), verbose=0
    )
    np.testing.assert_array_equal(ten[1].psnr, direct.psnr)
    eight = untrained_baselines(model, deep, ks.codecs.JPEG(), (1,), verbose=0)
    assert [curve.name for curve in eight] == ["linear baseline"]


@pytest.mark.parametrize("missing", ["preprocessor", "postprocessor"])
def test_the_chain_of_a_model_without_one_side(missing):
    sides = {
        "preprocessor": ks.models.Preprocessor(3, unet=None),
        "postprocessor": ks.models.Postprocessor(3, unet=None),
    }
    model = ks.models.CompressIntraModel(
        **{**sides, missing: None}, codec_proxy=ks.layers.EncodeDecodeIntra()
    )
    chain = untrained_systems(model, ks.codecs.JPEG())["linear baseline"]
    assert (chain.preprocessor.output_channels, chain.postprocessor.output_channels) == (3, 3)
    assert chain.preprocessor.downsample_factor == 1


@pytest.mark.parametrize("factor", [1, 2, 3, 11, 24])
def test_the_chain_of_a_whole_model_is_its_own(factor):
    model = create_linear_baseline(3, 3, downsample_factor=factor, num_truncate_bits=1)
    chains = untrained_systems(model, ks.codecs.JPEG()).values()
    assert [chain.preprocessor.resampling for chain in chains] == ["filters", "dct"][
        : 1 + (factor == 2)
    ]
    for chain in chains:
        assert chain.preprocessor.downsample_factor == factor
        assert chain.num_truncate_bits == 1


def test_the_chain_of_a_model_without_sides_is_the_identity():
    pictures, codec = PICTURES[:1, :32, :32], ks.codecs.JPEG()
    model = ks.models.CompressIntraModel(None, None, ks.layers.EncodeDecodeIntra())
    curves = untrained_baselines(model, pictures, codec, (8,), verbose=0)
    np.testing.assert_allclose(curves[0].psnr, curves[1].psnr, atol=1e-3)  # both the identity


def test_dicts_of_tensors():
    parts = create_linear_baseline(4, 4)
    keyed = ks.models.CompressIntraModel(
        parts.preprocessor, parts.postprocessor, parts.codec_proxy, model_keys=("colour", "depth")
    )
    depth = PICTURES[:2, ..., 1:2]
    together = np.concatenate([PICTURES[:2], depth], axis=-1)
    inputs = {"other": depth, "depth": depth, "colour": PICTURES[:2]}
    codec, steps = ks.codecs.JPEG(), (8, 30)
    wanted = untrained_baselines(create_linear_baseline(4, 4), together, codec, steps, verbose=0)
    found = untrained_baselines(
        keyed, inputs, codec, np.array(steps), codec_strengths=np.array(steps), verbose=0
    )
    assert [curve.name for curve in found] == [curve.name for curve in wanted]
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(ours.bpp, theirs.bpp)
        np.testing.assert_array_equal(ours.psnr, theirs.psnr)
    alone = rd_curve(CodecAlone(), {"image": PICTURES[:2]}, codec, steps, verbose=0)
    plain = rd_curve(CodecAlone(), PICTURES[:2], codec, steps, verbose=0)
    np.testing.assert_array_equal(alone.psnr, plain.psnr)
    with pytest.raises(ValueError, match=r"lacks \['depth'\]"):
        untrained_baselines(keyed, {"colour": PICTURES}, codec, steps, verbose=0)
    with pytest.raises(ValueError, match="as many for each key"):
        rd_curve(keyed, {"colour": PICTURES, "depth": depth}, codec, steps, verbose=0)
    with pytest.raises(ValueError, match="lacks"):
        rd_curve(CodecAlone(), {}, codec, steps, verbose=0)
