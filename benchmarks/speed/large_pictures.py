"""Peak memory and time of one large picture through the networks, for a few tile sizes.

KERAS_BACKEND=torch python benchmarks/speed/large_pictures.py --size 10000 --tiles 512 1024 2048

Memory is what the process holds at its highest, over what it held before and over the result's own array: what a
window's activations take. Linux alone tells (/proc/self). Each tile size runs in a process of its own.
"""

import argparse
import gc
import subprocess
import sys
import time
from pathlib import Path

NETWORKS = {"encoder_filters": (32, 64), "decoder_filters": (128, 64, 32), "unet_patch_size": 2}
CASES = {
    "gray": {"bottleneck_channels": 1},
    "low resolution": {"bottleneck_channels": 3, "downsample_factor": 2},
}


def status(field: str) -> float:
    """MB of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"/proc/self/status has no {field}")


def measured(function):
    """A result, the seconds that it took, and the MB that it needed beside the result."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again
    before, start = status("VmRSS"), time.perf_counter()
    result = function()
    seconds = time.perf_counter() - start
    return result, seconds, status("VmHWM") - before - result.nbytes / 1e6


def one(case: str, size: int, tile: int) -> None:
    import keras
    import numpy as np

    import keras_sandwich as ks

    model = ks.models.create_basic_model(**CASES[case], **NETWORKS)
    model.build((None, None, None, 3))
    row = np.random.default_rng(0).integers(0, 256, (1, size, 3), "uint8")
    picture = np.ascontiguousarray(np.broadcast_to(row, (size, size, 3)))
    # Allocators, libraries' own buffers and compiled programs, which a small picture needs too.
    ks.inference.preprocess_picture(model, picture[:64, :64], tile)
    ks.inference.postprocess_picture(model, picture[:32, :32, : CASES[case]["bottleneck_channels"]])
    bottleneck, seconds, pre = measured(
        lambda: ks.inference.preprocess_picture(model, picture, tile)
    )
    samples = ks.codecs.to_samples(bottleneck)
    del bottleneck
    prediction, more, post = measured(
        lambda: ks.inference.postprocess_picture(model, samples, picture.shape[:2], tile)
    )
    arrays = (picture.nbytes + 2 * samples.nbytes + prediction.nbytes) / 1e6
    print(
        f"| {keras.backend.backend()} | {case} | {tile} | {pre:,.0f} | {post:,.0f} | {arrays:,.0f} | "
        f"{seconds:.0f} | {more:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=10_000, help="height and width")
    parser.add_argument("--tiles", type=int, nargs="+", default=[512, 1024, 2048])
    parser.add_argument("--case", choices=CASES, help="one case, here, rather than each in turn")
    options = parser.parse_args()
    if options.case:
        one(options.case, options.size, options.tiles[0])
        return
    from tqdm import tqdm

    print(
        "| backend | case | tile | pre, MB | post, MB | picture's arrays, MB | pre, s | post, s |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    runs = [(case, tile) for case in CASES for tile in options.tiles]
    for case, tile in tqdm(runs, unit="run"):
        command = [sys.executable, __file__, "--case", case]
        command += ["--size", str(options.size), "--tiles", str(tile)]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
        tqdm.write(run.stdout.strip())


if __name__ == "__main__":
    main()
