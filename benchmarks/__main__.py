"""Measures the current backend: `python -m benchmarks --help`."""

import argparse
import json
import os
from pathlib import Path
from typing import Any

from benchmarks.speed import backend


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small networks, sizes and rounds")
    parser.add_argument("--dtype", help='dtype policy, such as "mixed_bfloat16"')
    parser.add_argument(
        "--modes",
        choices=("plain", "compiled", "both"),
        default="both",
        help=f"plain: {backend.MODES[0]}; compiled: {backend.MODES[1]}",
    )
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    arguments = parser.parse_args()
    if arguments.dtype:
        import keras

        keras.config.set_dtype_policy(arguments.dtype)
    modes = {"plain": [False], "compiled": [True], "both": [False, True]}[arguments.modes]
    report = measure(arguments.quick, modes)
    print(table(report))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")


def measure(quick: bool, modes: list[bool]) -> dict[str, Any]:
    import keras

    from benchmarks.speed import arithmetic, cases, programs
    from benchmarks.speed.timing import interleaved_medians, warm_up

    report: dict[str, Any] = {
        "backend": backend.BACKEND,
        "dtype": keras.config.dtype_policy().name,
        "device": backend.device_name(),
        "versions": backend.versions(),
        "load": os.getloadavg()[0],
        "dct_error": arithmetic.dct_errors(),
        "matmul_flops": arithmetic.matmul_rate(),
        "proxy": [],
        "exact": [],
        "step": [],
    }
    rounds = 3 if quick else 7
    for compiled in modes:
        functions: dict[Any, Any] = {}
        for size, (pixels, channels, options) in cases.PROXY_SIZES.items():
            if quick and pixels > 128:
                continue
            for rate in cases.RATES:
                forward, both = cases.proxy(pixels, channels, options, rate, compiled)
                functions[size, rate, "forward"] = forward
                functions[size, rate, "forward + backward"] = both
        for function in functions.values():
            warm_up(function)
        for (size, rate, passes), seconds in interleaved_medians(functions, rounds).items():
            row = {"mode": backend.MODES[compiled], "size": size, "rate": rate, "passes": passes}
            report["proxy"].append({**row, "ms": 1e3 * seconds})

        batch, exact = cases.exact(quick, compiled)
        for function in exact.values():
            warm_up(function)
        report["exact"].append(
            {
                "mode": backend.MODES[compiled],
                "batch": batch,
                "ms": {
                    name: 1e3 * seconds
                    for name, seconds in interleaved_medians(exact, rounds).items()
                },
            }
        )

        backend.reset_peak_memory()
        model = cases.sandwich(quick)
        step = cases.train_step(model, compiled)
        first = warm_up(step)
        small = next(iter(cases.PROXY_SIZES))
        functions = {rate: functions[small, rate, "forward + backward"] for rate in cases.RATES}
        seconds = interleaved_medians({"step": step, **functions}, rounds)
        peak, whose = backend.peak_memory()
        operations = arithmetic.step_operations(model, 8 * 128 * 128)
        report["step"].append(
            {
                "mode": backend.MODES[compiled],
                "ms": 1e3 * seconds["step"],
                "first_s": first,
                "proxy_share": seconds["jpeg"] / seconds["step"],
                "jpeg_over_gaussian": seconds["jpeg"] / seconds["gaussian"],
                "share_of_matmul": operations / seconds["step"] / report["matmul_flops"],
                "peak_mib": peak,
                "peak_of": whose,
            }
        )
        if compiled or backend.BACKEND == "torch":
            report["program"] = programs.one_program(model)
    count, functions = cases.augmentations(quick)
    for function in functions.values():
        warm_up(function)
    seconds = interleaved_medians(functions, rounds)
    report["images_per_second"] = {name: count / taken for name, taken in seconds.items()}
    return report


def asked(report: dict[str, Any]) -> list[str]:
    """What was asked of the proxy on two CPU cores, and what was measured, a mode a column."""
    from benchmarks.speed.cases import PUBLISHED

    both_ways = "forward + backward"
    published = [
        row["ms"]
        for row in report["proxy"]
        if (row["size"], row["rate"], row["passes"]) == (*PUBLISHED, both_ways)
    ]
    exact = [row["ms"] for row in report["exact"]]
    rows = {
        f"published work, RGB, each channel alone: {both_ways}, ms": (100, published),
        "4:2:0, float: forward, ms": (50, [ms["float, forward"] for ms in exact]),
        f"4:2:0, float: {both_ways}, ms": (100, [ms[f"float, {both_ways}"] for ms in exact]),
        f"4:2:0, libjpeg ÷ float: {both_ways}": (
            1.5,
            [ms[f"libjpeg, {both_ways}"] / ms[f"float, {both_ways}"] for ms in exact],
        ),
    }
    return [
        f"| {title} | {most} | {' | '.join(f'{value:.3g}' for value in values)} |"
        for title, (most, values) in rows.items()
    ]


def table(report: dict[str, Any]) -> str:
    from benchmarks.speed.cases import PROXY_SIZES

    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    modes = [row["mode"] for row in report["step"]]
    lines = [
        f"{report['device']}; {versions}; {report['dtype']}",
        f"matrix product: {report['matmul_flops'] / 1e12:.3g} TFLOP/s; largest relative error of the DCT "
        f"{report['dct_error']['dct']:.1e}, of the inverse {report['dct_error']['inverse_dct']:.1e}",
        "",
        f"| proxy, ms | rate | passes | {' | '.join(modes)} |",
        "| --- | --- | --- |" + " ---: |" * len(modes),
    ]
    by_case: dict[tuple[str, ...], list[str]] = {}
    for row in report["proxy"]:
        case = (row["size"], row["rate"], row["passes"])
        by_case.setdefault(case, []).append(f"{row['ms']:.1f}")
    lines += [f"| {' | '.join([*case, *times])} |" for case, times in by_case.items()]
    exact = report["exact"]
    lines += [
        "",
        f"| proxy, {exact[0]['batch']} pictures, YUV 4:2:0, ms | {' | '.join(modes)} |",
        "| --- |" + " ---: |" * len(modes),
    ]
    for name in exact[0]["ms"]:
        times = [f"{row['ms'][name]:.1f}" for row in exact]
        lines.append(f"| {name} | {' | '.join(times)} |")
    both_ways = "forward + backward"
    for title, over, under in (
        (f"libjpeg ÷ float, {both_ways}", f"libjpeg, {both_ways}", f"float, {both_ways}"),
        ("Pillow ÷ libjpeg, forward", "Pillow, encode and decode", "libjpeg, forward"),
    ):
        ratios = [f"{row['ms'][over] / row['ms'][under]:.2f}" for row in exact]
        lines.append(f"| {title} | {' | '.join(ratios)} |")
    if report["proxy"][-1]["size"] == list(PROXY_SIZES)[-1]:  # not in a quick run
        lines += ["", f"| asked, two CPU cores | at most | {' | '.join(modes)} |"]
        lines += ["| --- | ---: |" + " ---: |" * len(modes), *asked(report)]
    lines += ["", "| augmentation | images a second |", "| --- | ---: |"]
    lines += [f"| {name} | {rate:.0f} |" for name, rate in report["images_per_second"].items()]
    lines += [
        "",
        f"| train step, 8×128×128×3 | {' | '.join(modes)} |",
        "| --- |" + " ---: |" * len(modes),
    ]
    for title, key, form in (
        ("step, ms", "ms", "{:.0f}"),
        ("first call, s", "first_s", "{:.1f}"),
        ("proxy with the JPEG rate, share of the step", "proxy_share", "{:.1%}"),
        ("proxy with the JPEG rate ÷ with the Gaussian", "jpeg_over_gaussian", "{:.2f}"),
        ("share of the matrix product's arithmetic", "share_of_matmul", "{:.0%}"),
        (f"peak memory of the {report['step'][0]['peak_of']}, MiB", "peak_mib", "{:.0f}"),
    ):
        cells = [form.format(row[key]) for row in report["step"]]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", report.get("program", "")])


if __name__ == "__main__":
    main()
