"""The quality in the logs is that of files which the test writes itself."""

import io

import keras
import numpy as np
import pytest
from clips import moving_clip
from keras import ops
from photographs import photographs
from PIL import Image

import keras_sandwich as ks

STRENGTHS = (10, 40)


def linear_sandwich():
    keras.utils.set_random_seed(0)
    model = ks.models.create_basic_model(
        gamma=700.0, num_mlp_layers=1, use_unet_preprocessor=False, use_unet_postprocessor=False
    )
    model.compile(keras.optimizers.Adam(1e-3))
    return model


def through_pillow(model, pictures, qstep) -> tuple[float, float]:
    """Mean bits per pixel and mean dB, by grayscale files of a flat table."""
    rates, qualities = [], []
    for picture in pictures:
        bottleneck = ops.convert_to_numpy(model.preprocess(picture[None]))[0, :, :, 0]
        file = io.BytesIO()
        Image.fromarray(np.clip(np.rint(bottleneck), 0, 255).astype("uint8")).save(
            file, "JPEG", qtables=[[qstep] * 64], optimize=True
        )
        decoded = np.asarray(Image.open(file), "float32")[None, :, :, None]
        restored = ops.convert_to_numpy(model.postprocess(decoded))[0].astype("float64")
        error = np.clip(np.rint(restored), 0, 255) - picture
        rates.append(8 * len(file.getvalue()) / picture[..., 0].size)
        qualities.append(20 * np.log10(255) - 10 * np.log10(np.mean(error**2)))
    return float(np.mean(rates)), float(np.mean(qualities))


def test_log_equals_an_independent_measurement():
    pictures = photographs(3, 64, 96).astype("float32")
    model = linear_sandwich()
    rate = 1.6
    evaluation = ks.callbacks.CodecEvaluation(
        pictures[:2], ks.codecs.JPEG(qstep=1), STRENGTHS, bits_per_pixel=rate
    )
    history = model.fit(pictures, epochs=2, callbacks=[evaluation], verbose=0)
    (rich, fine), (poor, coarse) = (through_pillow(model, pictures[:2], q) for q in STRENGTHS)
    assert poor < rate < rich
    share = (np.log(rate) - np.log(poor)) / (np.log(rich) - np.log(poor))
    expected = coarse + share * (fine - coarse)
    first, last = history.history["codec_psnr"]
    assert last == pytest.approx(expected, abs=1e-4)
    assert first != last


def test_clips_through_a_video_codec():
    clip = moving_clip(3, frames=2, height=32, width=48)
    codec, model = ks.codecs.X264(gop="ippp"), ks.models.create_linear_baseline()
    evaluation = ks.callbacks.CodecEvaluation([clip], codec, (14, 26), bits_per_pixel=1.0)
    evaluation.set_model(model)
    evaluation.on_train_begin()
    logs = {}
    evaluation.on_epoch_end(0, logs)
    rates, qualities = [], []
    for qp in (14, 26):
        sent = ks.transport(model, clip[None], codec.with_strength(qp))
        error = np.clip(np.rint(sent["prediction"][0]), 0, 255) - clip
        rates.append(np.log(sent["rate"][0] / clip[..., 0].size))
        qualities.append(np.mean(10 * np.log10(255**2 / np.mean(error**2, axis=(1, 2, 3)))))
    assert rates[1] < 0 < rates[0]
    expected = np.interp(0.0, rates[::-1], qualities[::-1])
    assert logs["codec_psnr"] == pytest.approx(expected, abs=1e-4)


class Scripted(keras.callbacks.Callback):
    """After each epoch the model is what the script says: its start, with so much noise in the postprocessor."""

    def __init__(self, amounts):
        super().__init__()
        self.amounts = amounts

    def on_train_begin(self, logs=None):
        self.start = self.model.get_weights()
        self.kernel = next(
            place for place, weight in enumerate(self.start) if weight.shape == (5, 5, 4, 12)
        )

    def on_epoch_end(self, epoch, logs=None):
        weights = [np.copy(weight) for weight in self.start]
        disturbance = np.random.default_rng(0).normal(size=weights[self.kernel].shape)
        weights[self.kernel] += (self.amounts[epoch] * disturbance).astype("float32")
        self.model.set_weights(weights)


def test_the_best_checkpoint_is_chosen_by_the_real_codec(tmp_path):
    pictures = photographs(2, 64, 64).astype("float32")
    model = linear_sandwich()
    model.build((None, None, None, 3))
    amounts = (0.02, 0.001, 0.05)
    evaluation = ks.callbacks.CodecEvaluation(
        pictures, ks.codecs.JPEG(qstep=1), (4, 80), bits_per_pixel=1.0
    )
    best = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.keras", monitor="codec_psnr", mode="max", save_best_only=True
    )
    history = model.fit(
        pictures, epochs=3, callbacks=[Scripted(amounts), evaluation, best], verbose=0
    )
    psnr = history.history["codec_psnr"]
    assert psnr[1] == max(psnr)
    kept = keras.saving.load_model(tmp_path / "best.keras")
    curve = ks.evaluation.rd_curve(kept, pictures, ks.codecs.JPEG(), (4, 80), verbose=0)
    assert curve.psnr_at(1.0) == pytest.approx(psnr[1], abs=1e-4)


def test_a_rate_that_is_not_reached():
    pictures = photographs(1, 32, 32).astype("float32")
    model = linear_sandwich()
    evaluation = ks.callbacks.CodecEvaluation(
        pictures, ks.codecs.JPEG(qstep=1), STRENGTHS, bits_per_pixel=0.001
    )
    with pytest.warns(UserWarning, match=r"`codec_psnr` is NaN in epoch 1.*more strengths"):
        history = model.fit(pictures, callbacks=[evaluation], verbose=0)
    assert np.isnan(history.history["codec_psnr"][0])


def test_metrics_of_a_folder_of_pictures(tmp_path):
    pictures = photographs(2, 64, 96)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    model = linear_sandwich()

    def mean_error(target, restored, peak):
        return np.abs(target - restored).mean()

    error = ks.evaluation.Measure("mean-error", mean_error, higher_is_better=False)
    evaluation = ks.callbacks.CodecEvaluation(
        tmp_path,
        ks.codecs.JPEG(qstep=1),
        STRENGTHS,
        bits_per_pixel=1.6,
        metrics=("psnr-rgb", "ssim-rgb", error),
    )
    history = model.fit(pictures.astype("float32"), callbacks=[evaluation], verbose=0).history
    curve = ks.evaluation.rd_curve(
        model, pictures, ks.codecs.JPEG(), STRENGTHS, ["psnr-rgb", "ssim-rgb", error], verbose=0
    )
    for log, metric in (
        ("codec_psnr", "psnr-rgb"),
        ("codec_ssim", "ssim-rgb"),
        ("codec_mean_error", "mean-error"),
    ):
        assert history[log] == [pytest.approx(curve.quality_at(1.6, metric), abs=1e-4)]
    with pytest.raises(ValueError, match="`metrics` must be some of"):
        ks.callbacks.CodecEvaluation(tmp_path, ks.codecs.JPEG(), bits_per_pixel=1, metrics="lpips")
