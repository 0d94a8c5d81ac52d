import os
import pickle
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_models import sandwich

import keras_sandwich as ks
from keras_sandwich.files import corpus, decode_folder, encode_folder, shared_network
from keras_sandwich.files.record import RECORD


@pytest.fixture(scope="module")
def model():
    return sandwich(bottleneck_channels=3, downsample_factor=2)


@pytest.fixture
def pictures(tmp_path, photograph):
    """Three pictures, one of them in a folder of a name of no encoding, and two files that are none."""
    folder = tmp_path / "pictures"
    odd = folder / os.fsdecode(b"caf\xe9\n of two lines")
    odd.mkdir(parents=True)
    Image.fromarray(photograph).save(folder / "a.png")
    Image.fromarray(photograph[:20]).save(odd / "b.png")
    Image.fromarray(255 - photograph).save(folder / "c.bmp")
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture either")
    return folder


def names(folder):
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def encode(pictures, folder, model, **options):
    return encode_folder(pictures, folder, model, **{"strength": 10, "verbose": 0, **options})


ODD = os.fsdecode(b"caf\xe9\n of two lines")


def test_a_folder_there_and_back(tmp_path, pictures, model):
    report = encode(pictures, tmp_path / "coded", model)
    assert report.kept == []
    assert list(report.failed) == [pictures / "broken.png"]
    assert "not of a format that is read" in report.failed[pictures / "broken.png"]
    assert report.written == [
        tmp_path / "coded" / name for name in ("a.jpg", "c.jpg", f"{ODD}/b.jpg")
    ]
    assert names(tmp_path / "coded") == sorted([RECORD, "a.jpg", "c.jpg", f"{ODD}/b.jpg"])
    ks.encode_file(pictures / "c.bmp", tmp_path / "alone.jpg", model, strength=10)
    assert (tmp_path / "coded" / "c.jpg").read_bytes() == (tmp_path / "alone.jpg").read_bytes()
    back = decode_folder(tmp_path / "coded", tmp_path / "restored", model, suffix=".tif", verbose=0)
    assert (len(back.written), back.failed) == (3, {})
    ks.decode_file(tmp_path / "alone.jpg", tmp_path / "alone.tif", model)
    restored = Image.open(tmp_path / "restored" / "c.tif")
    assert np.array_equal(restored, Image.open(tmp_path / "alone.tif"))
    assert Image.open(tmp_path / "restored" / ODD / "b.tif").size == (61, 20)


def test_what_is_there_is_kept_until_its_source_or_the_arguments_change(tmp_path, pictures, model):
    target = tmp_path / "coded"
    first = encode(pictures, target, model)
    before = {path: path.read_bytes() for path in first.written}
    again = encode(pictures, target, model)
    assert (again.written, again.kept) == ([], first.written)
    (target / "c.jpg").unlink()
    assert encode(pictures, target, model).written == [target / "c.jpg"]
    time.sleep(0.02)  # a file system counts time in ticks
    Image.fromarray(np.zeros((24, 24, 3), "uint8")).save(pictures / "a.png")
    assert encode(pictures, target, model).written == [target / "a.jpg"]
    time.sleep(0.02)
    finer = encode(pictures, target, model, strength=3)
    assert (finer.written, finer.kept) == (first.written, [])
    assert (target / "c.jpg").read_bytes() != before[target / "c.jpg"]
    time.sleep(0.02)
    coarser = encode(pictures, target, model)  # not those of `finer`, though all are there
    assert coarser.written == first.written
    assert (target / "c.jpg").read_bytes() == before[target / "c.jpg"]


def test_another_first_network_writes_everything_anew(tmp_path, pictures):
    before = sandwich(start="linear", bottleneck_channels=1)
    after = sandwich(start="linear", bottleneck_channels=1)
    bias = after.preprocessor.mlp.linear.bias
    bias.assign(bias + 20.0)
    first = encode(pictures, tmp_path / "coded", before)
    time.sleep(0.02)
    again = encode(pictures, tmp_path / "coded", after)
    assert (again.written, again.kept) == (first.written, [])


def test_another_source_folder_does_not_keep_the_first_ones_results(tmp_path, pictures, model):
    other = tmp_path / "other"
    other.mkdir()
    Image.new("RGB", (24, 24), "red").save(other / "a.png")
    time.sleep(0.02)
    encode(pictures, tmp_path / "coded", model)
    time.sleep(0.02)
    report = encode(other, tmp_path / "coded", model)
    assert report.written == [tmp_path / "coded" / "a.jpg"]
    assert Image.open(tmp_path / "coded" / "a.jpg").size == (12, 12)


@pytest.mark.skipif(os.name == "nt", reason="no time says when a file came to its place")
def test_an_older_file_in_the_place_of_a_source_is_coded(tmp_path, pictures, model):
    older = tmp_path / "older.png"
    Image.new("RGB", (24, 24), "red").save(older)
    os.utime(older, (1e9, 1e9))
    encode(pictures, tmp_path / "coded", model)
    time.sleep(0.02)
    os.replace(older, pictures / "a.png")
    assert encode(pictures, tmp_path / "coded", model).written == [tmp_path / "coded" / "a.jpg"]


def test_two_runs_with_other_arguments_are_stopped_and_the_next_writes_all_anew(
    tmp_path, pictures, model, monkeypatch
):
    real, target = corpus.encode_file, tmp_path / "coded"

    def while_another_run_begins(*arguments, **options):
        monkeypatch.setattr(corpus, "encode_file", real)
        encode(pictures, target, model, strength=3)
        return real(*arguments, **options)

    monkeypatch.setattr(corpus, "encode_file", while_another_run_begins)
    with pytest.raises(ValueError, match="Another run, with other arguments"):
        encode(pictures, target, model)
    time.sleep(0.02)
    report = encode(pictures, target, model, strength=3)
    assert (len(report.written), report.kept) == (3, [])
    assert ks.files.read_info(target / "a.jpg").settings["qstep"] == 3


def test_an_interruption_leaves_whole_files_and_the_rest_is_done_later(
    tmp_path, pictures, model, monkeypatch
):
    real, count = corpus.encode_file, []

    def interrupted(*arguments, **options):
        count.append(arguments[0])
        if len(count) == 3:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(corpus, "encode_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        encode(pictures, tmp_path / "coded", model)
    assert names(tmp_path / "coded") == [RECORD, "a.jpg"]
    report = encode(pictures, tmp_path / "coded", model)
    assert report.kept == [tmp_path / "coded" / "a.jpg"]
    assert len(report.written) == 2
    assert count.count(pictures / "a.png") == 1


def test_two_sources_of_one_target(tmp_path, pictures, photograph, model):
    Image.fromarray(photograph).save(pictures / "c.tif")
    report = encode(pictures, tmp_path / "coded", model)
    assert "rename one of them" in report.failed[pictures / "c.tif"]
    assert tmp_path / "coded" / "c.jpg" in report.written
    again = encode(pictures, tmp_path / "coded", model)
    assert "rename one of them" in again.failed[pictures / "c.tif"]


def test_threads_write_the_same_files(tmp_path, pictures, model):
    encode(pictures, tmp_path / "alone", model)
    with ThreadPoolExecutor(2) as executor:
        report = encode(pictures, tmp_path / "coded", model, executor=executor)
    assert len(report.written) == 3
    for name in ("a.jpg", "c.jpg", f"{ODD}/b.jpg"):
        assert (tmp_path / "coded" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


class Pickling(Executor):
    """What a pool of one process does with its tasks, without another process to start."""

    def submit(self, function, /, *arguments):
        function, arguments = pickle.loads(pickle.dumps((function, arguments)))
        future = Future()
        future.set_result(function(*arguments))
        return future


@pytest.mark.parametrize("as_folder", [False, True])
def test_a_process_loads_the_model_once(tmp_path, pictures, model, monkeypatch, as_folder):
    shared_network._loaded.cache_clear()
    model.save_to_preset(tmp_path / "preset")
    real, saved = type(model).save, []
    monkeypatch.setattr(
        type(model), "save", lambda self, place: (saved.append(place), real(self, place))
    )
    encode(pictures, tmp_path / "alone", model)
    assert saved == []
    given = str(tmp_path / "preset") if as_folder else model
    report = encode(pictures, tmp_path / "coded", given, executor=Pickling())
    assert len(report.written) == 3
    assert len(saved) == (0 if as_folder else 1)
    assert shared_network._loaded.cache_info().misses == 1
    assert not any(place.exists() for place in saved)
    for name in ("a.jpg", "c.jpg"):
        assert (tmp_path / "coded" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


def test_a_process_loads_another_model_of_the_same_place(tmp_path, pictures, model):
    model.save_to_preset(tmp_path / "preset")
    encode(pictures, tmp_path / "coded", str(tmp_path / "preset"), executor=Pickling())
    other = sandwich(bottleneck_channels=1)
    other.save_to_preset(tmp_path / "preset")
    report = encode(pictures, tmp_path / "gray", str(tmp_path / "preset"), executor=Pickling())
    assert len(report.written) == 3
    assert Image.open(tmp_path / "gray" / "a.jpg").mode == "L"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"suffix": ".png"}, "`suffix` must be one of '.jpg'"),
        ({"strength": None}, "Give exactly one of"),
        ({"bits_per_pixel": 1.0}, "Give exactly one of"),
        ({"codec": ks.codecs.WebP()}, r"WebP 4:2:0 files end in \.webp"),
        ({"strength": 256}, "from 1 to 255"),
        ({"tile_size": 0}, "`tile_size` must be a positive integer"),
    ],
)
def test_what_is_wrong_for_every_picture_is_said_at_once(
    tmp_path, pictures, model, options, reason
):
    with pytest.raises(ValueError, match=reason):
        encode(pictures, tmp_path / "coded", model, **options)
    assert not (tmp_path / "coded").exists()


def test_a_codec_that_is_not_installed_is_said_at_once(tmp_path, pictures, model, monkeypatch):
    def missing(self):
        raise ImportError("JPEG files need Pillow")

    monkeypatch.setattr(ks.codecs.JPEG, "version", property(missing))
    with pytest.raises(ImportError, match="need Pillow"):
        encode(pictures, tmp_path / "coded", model)
    assert not (tmp_path / "coded").exists()


def test_folders_that_cannot_be_targets(tmp_path, pictures, model):
    with pytest.raises(ValueError, match="write to a folder outside"):
        encode(pictures, pictures / "coded", model)
    with pytest.raises(ValueError, match="Received the file"):
        encode(pictures, pictures / "a.png", model)
    inner = pictures / pictures.name
    inner.mkdir()
    Image.new("RGB", (24, 24)).save(inner / "d.png")
    Image.new("RGB", (24, 24)).save(pictures / "d.jpg")
    with pytest.raises(ValueError, match=r"would replace a source, '.*d\.jpg'"):
        encode(pictures, tmp_path, model)
    with pytest.raises(FileNotFoundError, match="no such folder"):
        encode(tmp_path / "nowhere", tmp_path / "coded", model)
    with pytest.raises(ValueError, match=r"`suffix` must be one of '\.png'"):
        decode_folder(pictures, tmp_path / "restored", model, suffix=".jpg", verbose=0)


def test_progress(tmp_path, pictures, model, capfd):
    encode(pictures, tmp_path / "coded", model, verbose=1)
    assert "4/4" in capfd.readouterr().err
    assert Path(tmp_path / "coded" / "a.jpg").exists()
