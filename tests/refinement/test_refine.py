"""Refined files: better for their bits, within their limit, and refused in words."""

import numpy as np
import pytest
from photographs import photographs
from PIL import Image

import keras_sandwich as ks
from keras_sandwich.codecs.samples import to_samples
from keras_sandwich.inference.transport import code

PICTURE = photographs(1, 64, 96)[0].astype("uint8")
KINDS = {
    "colour over grayscale": (
        {"bottleneck_channels": 1, "patch_size": 16},
        {"qstep": 24},
    ),
    "half the size, 4:2:0": (
        {"bottleneck_channels": 3, "downsample_factor": 2},
        {"qstep": 12, "chroma_subsampling": "4:2:0"},
    ),
    "tables of Annex K": (
        {"bottleneck_channels": 3},
        {"quality": 50, "chroma_subsampling": "4:2:0"},
    ),
}


def squared_error(model, decoded):
    restored = ks.inference.postprocess_picture(model, decoded, PICTURE.shape[:2])
    return float(np.sum((np.clip(np.round(restored), 0, 255) - PICTURE) ** 2))


def curve(model, samples, codec):
    """Squared error by bits around the codec's strength, of files that are not refined."""
    points = []
    for factor in (0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.5, 1.8):
        file = code(samples, codec.with_strength(max(round(codec.strength * factor), 1)))
        points.append((file.bits, squared_error(model, file.decoded)))
    return sorted(points)


@pytest.fixture(scope="module", params=KINDS)
def case(request):
    arguments, settings = KINDS[request.param]
    model = ks.models.create_linear_baseline(**arguments)
    codec = ks.codecs.JPEG(**settings)
    samples = to_samples(ks.inference.preprocess_picture(model, PICTURE), 8)
    return model, codec, samples


def gain(model, samples, codec, refined):
    """Decibels over files that are not refined, at as many bits."""
    bits, squared = zip(*curve(model, samples, codec), strict=True)
    at_as_many = np.exp(np.interp(np.log(refined.bits), np.log(bits), np.log(squared)))
    return 10 * np.log10(at_as_many / squared_error(model, refined.decoded))


def test_less_error_at_as_many_bits(case):
    model, codec, samples = case
    refined = ks.refinement.refine_jpeg(model, PICTURE, samples, codec, 10)
    assert gain(model, samples, codec, refined) > 0.15
    assert np.array_equal(codec.decode(refined.data), refined.decoded)


def test_a_limit_is_kept_and_used(case):
    model, codec, samples = case
    most = round(0.92 * code(samples, codec).bits)
    passes = []
    refined = ks.refinement.refine_jpeg(
        model, PICTURE, samples, codec, 12, most_bits=most, after_pass=lambda: passes.append(1)
    )
    assert len(passes) == 12
    assert 0.95 * most < refined.bits <= most
    assert gain(model, samples, codec, refined) > 0.03


def test_no_pass_is_the_plain_file(case):
    model, codec, samples = case
    plain = ks.refinement.refine_jpeg(model, PICTURE, samples, codec, 0)
    assert plain.data == codec.encode(samples)


def test_where_nothing_is_better_the_file_is_the_plain_one():
    model = ks.models.create_linear_baseline(bottleneck_channels=1)
    samples = np.full((16, 16, 1), 100, "uint8")
    codec = ks.codecs.JPEG(qstep=200)
    picture = ks.inference.postprocess_picture(model, code(samples, codec).decoded)
    refined = ks.refinement.refine_jpeg(model, picture, samples, codec, 3)
    assert refined.data == codec.encode(samples)


def test_refusals(case):
    model, codec, samples = case
    with pytest.raises(ValueError, match=r"JPEG files\. Received the codec WebP"):
        ks.refinement.refine_jpeg(model, PICTURE, samples, ks.codecs.WebP(), 1)
    with pytest.raises(ValueError, match=r"`effort`.*Received.*-1"):
        ks.refinement.refine_jpeg(model, PICTURE, samples, codec, -1)
    other = ks.models.CompressIntraModel(None, lambda x: x, ks.layers.EncodeDecodeIntra())
    with pytest.raises(ValueError, match="postprocessor is a `Postprocessor`"):
        ks.refinement.refine_jpeg(other, PICTURE, samples, codec, 1)


class TestFiles:
    """`effort` where files are made and measured."""

    MODEL = ks.models.create_linear_baseline(bottleneck_channels=1, patch_size=16)

    def restored_error(self, folder, **options):
        source = folder / "source.png"
        Image.fromarray(PICTURE).save(source)
        info = ks.encode_file(source, folder / "coded.jpg", self.MODEL, **options)
        ks.decode_file(folder / "coded.jpg", folder / "restored.png", self.MODEL)
        restored = np.asarray(Image.open(folder / "restored.png"), "float64")
        return np.sum((restored - PICTURE) ** 2), info.file_size

    def test_encode_file_within_a_size(self, tmp_path):
        plain, _size = self.restored_error(tmp_path, bits_per_pixel=1.5)
        refined, refined_size = self.restored_error(tmp_path, bits_per_pixel=1.5, effort=8)
        assert refined < 0.985 * plain
        assert refined_size <= 1.5 * PICTURE[..., 0].size / 8

    def test_encode_file_at_a_strength(self, tmp_path, capfd):
        plain, size = self.restored_error(tmp_path, strength=24)
        refined, refined_size = self.restored_error(tmp_path, strength=24, effort=8, verbose=1)
        assert refined_size < size or refined < plain
        assert "8/8" in capfd.readouterr().err

    def test_other_files_are_refused(self, tmp_path):
        Image.fromarray(PICTURE).save(tmp_path / "source.png")
        with pytest.raises(ValueError, match="refines the coefficients of JPEG"):
            ks.encode_file(
                tmp_path / "source.png", tmp_path / "a.webp", self.MODEL, strength=30, effort=2
            )
        with pytest.raises(ValueError, match="refines the coefficients of JPEG"):
            ks.files.encode_folder(
                tmp_path, f"{tmp_path} coded", self.MODEL, suffix=".webp", strength=30, effort=2
            )
        assert not (tmp_path / "a.webp").exists()

    def test_curve(self):
        codec = ks.codecs.JPEG(qstep=1)
        curves = [
            ks.evaluation.rd_curve(
                self.MODEL, PICTURE[None], codec, (24, 40), effort=effort, verbose=0
            )
            for effort in (0, 6)
        ]
        assert "effort" not in curves[0].settings
        assert curves[1].settings["effort"] == 6
        gain = curves[1].psnr_at(curves[1].mean_bpp[0]) - np.interp(
            curves[1].mean_bpp[0], curves[0].mean_bpp[::-1], curves[0].mean_psnr[::-1]
        )
        assert gain > 0.1
