"""`python -m bench.gpu_check [--out DIR] [--json]`: is the same array code right on this GPU, and how fast is it?

One command, at most ten minutes, on a machine with CuPy and a GPU:

1. every operation, the memory in both profiles, the searches and a small instance of every reference model, forward,
   backward and written, on the GPU with the same inputs as on NumPy (`computations`): float64 to 1e-10, float32 to what
   rounding can do, the conformance vectors to their own tolerances;
2. every computation twice, bit for bit;
3. every crossing between host and device in them counted, and named or found out (`crossings`);
4. the workloads of `python -m bench models`, on NumPy, CuPy and PyTorch's GPU in turn.

Exit codes: 0 all of it holds, 1 something does not, 2 there is no GPU or no CuPy, 130 stopped.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import rich.console
import rich.progress

from bench import measure, workloads
from bench.gpu_check import computations, crossings
from bench.gpu_check.computations import Case, Results
from refmem.arrays import ArrayModule
from refmem.conformance import compare
from refmem.conformance.case import Case as Vector
from refmem.conformance.case import load_all
from refmem.conformance.reference import Reference
from refmem.storage import replacing

MINUTES = 10
SIDES = ("ours", "cupy", "torch_gpu")
ROUNDS = 3


def main(arguments: list[str] | None = None) -> int:
    """Exit code; see above."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu_check", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, metavar="DIR", help="write results.json and report.md into DIR")
    parser.add_argument("--json", action="store_true", help="one object on stdout instead of tables")
    options = parser.parse_args(arguments)
    try:
        xp = gpu()
        if options.out is not None:
            options.out.mkdir(parents=True, exist_ok=True)
        report = check(xp)
        text = written(report)
        if options.out is not None:
            for name, contents in (("results.json", json.dumps(report, indent=1)), ("report.md", text)):
                with replacing(options.out / name) as file:
                    file.write(contents.encode() + b"\n")
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    print(json.dumps(report) if options.json else text)
    return 1 if report["wrong"] else 0


def gpu() -> ArrayModule:
    """CuPy. Raises ValueError where it is missing, or finds no GPU."""
    if not find_spec("cupy"):
        raise ValueError("this check needs a GPU and CuPy, and CuPy is not installed: pip install 'refmem[gpu]'")
    try:
        xp = workloads.cupy_device()
    except ImportError as error:
        raise ValueError(f"this check needs CuPy, and what is installed cannot be imported: {error}") from error
    if xp is None:
        raise ValueError("this check needs a GPU, and CuPy finds none that it can use: is there a card, and a driver?")
    return xp


def check(xp: ArrayModule) -> dict[str, Any]:
    """The report; `wrong` in it are sentences, none where all holds."""
    start = time.perf_counter()
    deadline = start + 60 * MINUTES
    cases, vectors = list(computations.all_cases()), load_all()
    timed = [(name, batch) for name in workloads.FILES for batch in workloads.find(name).batches]
    with rich.progress.Progress(console=rich.console.Console(stderr=True), transient=True,
                                disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("on the GPU", total=len(cases) + len(vectors) + len(timed))

        def each(things: Iterable[Any]) -> Iterable[Any]:
            for thing in things:
                yield thing
                progress.advance(task)

        rows = [held(case, xp) if time.perf_counter() < deadline else late(case) for case in each(cases)]
        groups = of_vectors(each(vectors), xp, deadline)
        times = [timing(name, batch) for name, batch in each(timed) if time.perf_counter() < deadline]
    wrong = [sentence for row in rows for sentence in row["wrong"]]
    wrong += [sentence for group in groups for sentence in group["wrong"]]
    wrong += [row["wrong"] for row in times if row["wrong"]]
    if len(times) < len(timed):
        wrong.append(f"{len(timed) - len(times)} workloads were not timed: the {MINUTES} minutes were over")
    return {"wrong": wrong, "date": time.strftime("%Y-%m-%d %H:%M"), "commit": measure.commit(), "device": card(xp),
            "versions": measure.versions("refmem", "numpy", "cupy-cuda12x", "cupy-cuda13x", "torch"),
            "cases": rows, "vectors": groups, "times": times,
            "crossings": crossings.summary([row["crossings"] for row in rows]),
            "seconds": round(time.perf_counter() - start, 1)}


# --- One computation --------------------------------------------------------------------------------------------


def held(case: Case, xp: ArrayModule) -> dict[str, Any]:
    """NumPy once, the GPU twice: are the results near enough, twice the same, and did nothing cross unasked?"""
    row: dict[str, Any] = {"name": case.name, "dtype": case.dtype, "worst": 0.0, "same_twice": False, "digest": "",
                           "crossings": [], "wrong": []}
    about = f"{case.name}, {case.dtype}"
    expected = case.run(np)
    try:
        first = case.run(xp)
        with crossings.Copies(xp) as copies:  # the second time, when all kernels are compiled
            second = case.run(xp)
    except Exception as error:  # CuPy has many; whatever it is, the others are still worth a look
        row["wrong"] = [f"{about}: raised {type(error).__name__}: {error}"]
        return row
    row |= {"same_twice": digest(first) == digest(second), "digest": digest(second)[:16],
            "crossings": copies.table()}
    row["worst"], row["wrong"] = apart(about, expected, second, case.tolerances(expected))
    if not row["same_twice"]:
        differ = [name for name in first if digest({name: first[name]}) != digest({name: second.get(name)})]
        row["wrong"].append(f"{about}: a second run gave other bits in {', '.join(differ)}")
    for hidden in copies.hidden():
        row["wrong"].append(f"{about}: hidden copy {hidden['way']}, {hidden['times']} times, {hidden['bytes']} bytes, "
                            f"by {hidden['how']} in {hidden['site']}")
    return row


def late(case: Case) -> dict[str, Any]:
    """The row of a case that the time was too short for."""
    return {"name": case.name, "dtype": case.dtype, "worst": 0.0, "same_twice": False, "digest": "", "crossings": [],
            "wrong": [f"{case.name}, {case.dtype}: not run, the {MINUTES} minutes were over"]}


def apart(about: str, expected: Results, found: Results, tolerances: dict[str, float]) -> tuple[float, list[str]]:
    """The largest difference as a share of what is allowed, and a sentence for each array that is wrong."""
    worst, wrong = 0.0, []
    if expected.keys() != found.keys():
        return 0.0, [f"{about}: gave {', '.join(found)} instead of {', '.join(expected)}"]
    for name, want in expected.items():
        got = found[name]
        if got.shape != want.shape or got.dtype != want.dtype:
            wrong.append(f"{about}: {name} is {got.dtype} {got.shape}, on NumPy {want.dtype} {want.shape}")
        elif want.dtype.kind != "f":
            if not np.array_equal(got, want):
                wrong.append(f"{about}: {name} differs at {np.argwhere(got != want)[0].tolist()}")
        else:
            most = float(np.abs(got.astype(np.float64) - want).max(initial=0.0))
            share = most / tolerances[name] if tolerances[name] else (0.0 if most == 0 else float("inf"))
            worst = max(worst, share)
            if not share <= 1:  # NaN, too
                wrong.append(f"{about}: {name} is off by {most:.3g}, allowed are {tolerances[name]:.3g}")
    return worst, wrong


def digest(results: Results) -> str:
    """Of all bits, names and dtypes."""
    whole = hashlib.sha256()
    for name, array in results.items():
        whole.update(f"{name} {array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()


# --- The vectors of the conformance suite -----------------------------------------------------------------------


def of_vectors(cases: Iterable[Vector], xp: ArrayModule, deadline: float) -> list[dict[str, Any]]:
    """For each group and dtype: how many vectors hold on the GPU, by their own derived tolerances."""
    reference, groups = Reference(xp), {}
    for case in cases:
        row = groups.setdefault((case.group, case.dtype), {"group": case.group, "dtype": case.dtype, "vectors": 0,
                                                           "passed": 0, "wrong": []})
        row["vectors"] += 1
        if time.perf_counter() > deadline:
            row["wrong"].append(f"{case.id}: not run, the {MINUTES} minutes were over")
            continue
        problem = compare.run(reference, case).problem
        row["passed"] += problem is None
        if problem is not None:
            row["wrong"].append(f"{case.id}: {problem.sentence()}")
    return [groups[key] for key in sorted(groups)]


# --- Times ------------------------------------------------------------------------------------------------------


def timing(name: str, batch: int) -> dict[str, Any]:
    """Milliseconds of one workload on each side that is here."""
    workload = workloads.find(name)
    sides = [side for side in SIDES if side in workload.sides and workloads.HERE[side]()]
    ms, wrong = {}, ""
    try:
        steps = {side: workload.sides[side](batch, 0) for side in sides}
        ms = measure.medians(list(measure.in_turns(steps, ROUNDS)))
    except Exception as error:  # no memory left, and whatever else a card can say
        wrong = f"{name}, {batch} at a time: raised {type(error).__name__}: {error}"
    return {"workload": name, "batch": batch, "about": workload.about, "ms": ms, "wrong": wrong,
            "numpy_to_cupy": ms["ours"] / ms["cupy"] if "cupy" in ms else None,
            "torch_to_cupy": ms["torch_gpu"] / ms["cupy"] if {"cupy", "torch_gpu"} <= ms.keys() else None}


# --- The report -------------------------------------------------------------------------------------------------


def card(xp: ArrayModule) -> dict[str, Any]:
    """Card, driver and CUDA, as CuPy and the driver's own tool say."""
    runtime = getattr(getattr(xp, "cuda", None), "runtime", None)
    if runtime is None:
        return {"card": f"none: {xp.__name__}"}
    number = xp.cuda.Device().id
    facts = runtime.getDeviceProperties(number)
    name = facts["name"]
    found = {"card": name.decode() if isinstance(name, bytes) else str(name),
             "compute_capability": f"{facts['major']}.{facts['minor']}",
             "memory_gib": round(facts["totalGlobalMem"] / 2**30, 1),
             "cuda_driver": runtime.driverGetVersion(), "cuda_runtime": runtime.runtimeGetVersion()}
    try:
        asked = subprocess.run(["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"], timeout=20,
                               capture_output=True, text=True)
        found["driver"] = asked.stdout.strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        found["driver"] = "unknown: there is no nvidia-smi"
    return found


def written(report: dict[str, Any]) -> str:
    """The report as Markdown, which people can read as it is."""
    rows, device = report["cases"], report["device"]
    held_rows = sum(not row["wrong"] for row in rows)
    lines = [f"# On the GPU: {device['card']}", "",
             f"{report['date']}, commit {report['commit']}, {report['seconds']:.0f} s. "
             + ", ".join(f"{name} {value}" for name, value in (device | report["versions"]).items() if name != "card"),
             "", f"{held_rows} of {len(rows)} computations hold, "
             f"{sum(group['passed'] for group in report['vectors'])} of "
             f"{sum(group['vectors'] for group in report['vectors'])} vectors pass.", ""]
    lines += [f"- WRONG: {sentence}" for sentence in report["wrong"]] + [""] * bool(report["wrong"])
    lines += table(("computation", "dtype", "worst, of what is allowed", "same bits twice", "crossings"),
                   [(row["name"], row["dtype"], f"{row['worst']:.2g}", "yes" if row["same_twice"] else "NO",
                     sum(crossing["times"] for crossing in row["crossings"])) for row in rows])
    lines += table(("vectors of", "dtype", "passed", "of"),
                   [(group["group"], group["dtype"], group["passed"], group["vectors"]) for group in report["vectors"]])
    lines += table(("crossings", "where", "times", "bytes", "why"),
                   [(row["way"], row["site"], row["times"], row["bytes"], row["meant"] or "HIDDEN")
                    for row in report["crossings"]])
    lines += table(("workload", "batch", *(f"{side} ms" for side in SIDES), "NumPy / CuPy", "torch / CuPy"),
                   [(row["workload"], row["batch"], *(shown(row["ms"].get(side)) for side in SIDES),
                     shown(row["numpy_to_cupy"]), shown(row["torch_to_cupy"])) for row in report["times"]])
    return "\n".join(lines).rstrip()


def table(heads: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[str]:
    """A Markdown table, and an empty line."""
    return [f"| {' | '.join(map(str, row))} |" for row in (heads, ("---",) * len(heads), *rows)] + [""]


def shown(number: float | None) -> str:
    """Three digits, or a dash."""
    return "-" if number is None else f"{number:.3g}"
