"""Pictures of reports, drawn with matplotlib (extra `plot`)."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from refmem.storage import replacing


def check(folder: str | None) -> None:
    """Raise ValueError unless pictures can be drawn into this folder; None is no pictures."""
    if folder is None:
        return
    if find_spec("matplotlib") is None:
        raise ValueError("--plot needs matplotlib: pip install 'refmem[plot]'")
    if not Path(folder).is_dir():
        raise ValueError(f"--plot must be a folder that exists, got {folder}")


def ratios(rows: list[dict[str, Any]], folder: str) -> None:
    """Time and peak memory as a share of PyTorch's, a bar for each workload."""
    pyplot = _pyplot()
    rows = [row for row in rows if row.get("ratio_to_torch") is not None]
    names = [f"{row['workload']}, {row['batch']}" for row in rows]
    where = np.arange(len(rows))
    figure, axis = pyplot.subplots(figsize=(7, 1.2 + 0.5 * len(rows)), layout="constrained")
    times = [row["ratio_to_torch"] for row in rows]
    low = [row["ratio_to_torch"] - row["spread"][0] for row in rows]
    high = [row["spread"][1] - row["ratio_to_torch"] for row in rows]
    axis.barh(where - 0.2, times, 0.38, xerr=[low, high], label="time (quartiles)", color="C0")
    axis.barh(where + 0.2, [row["memory_ratio"] for row in rows], 0.38, label="peak memory", color="C1")
    axis.axvline(1, color="black", linewidth=0.8)
    axis.set_yticks(where, names)
    axis.invert_yaxis()
    axis.set_xlabel("share of PyTorch eager's")
    axis.legend(fontsize="small")
    _save(figure, Path(folder) / "models.png")


def growth(series: list[dict[str, Any]], folder: str) -> None:
    """Time and memory against each size, with the fitted exponents, a picture each."""
    pyplot = _pyplot()
    from matplotlib.ticker import LogLocator

    columns = min(5, len(series))
    rows = -(-len(series) // columns)
    figure, axes = pyplot.subplots(rows, columns, figsize=(3 * columns, 2.8 * rows), squeeze=False,
                                   layout="constrained")
    for axis in axes.flat[len(series):]:
        axis.remove()
    for axis, line in zip(axes.flat, series, strict=False):
        for side, mark in (("ours", "o-"), ("torch", "s--")):
            if side in line["ms"]:
                axis.plot(line["values"], line["ms"][side], mark, label=f"{side}, ms: n^{line['exponent'][side]:.2f}")
        axis.plot(line["values"], line["memory_mib"], "^:", color="grey",
                  label=f"ours, MiB: n^{line['memory_exponent']:.2f}")
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xticks(line["values"], [f"{value:,}" for value in line["values"]])
        axis.xaxis.minorticks_off()
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.minorticks_off()
        axis.set_title(f"{line['workload']}: {line['size']}", fontsize="medium")
        axis.grid(alpha=0.3)
        axis.legend(fontsize="x-small")
    _save(figure, Path(folder) / "growth.png", dpi=80)


def lengths(rows: list[dict[str, Any]], folder: str) -> None:
    """The share of sequences that are fully right against length, a line for each run; a panel for each kind."""
    pyplot = _pyplot()
    kinds = list(dict.fromkeys(there["kind"] for row in rows for there in row["beyond"]))
    figure, axes = pyplot.subplots(1, len(kinds), figsize=(4.2 * len(kinds), 3.6), squeeze=False, sharey=True,
                                   layout="constrained")
    for axis, kind in zip(axes.flat, kinds, strict=True):
        for row in rows:
            there = [row["at_longest"]] * (kind == "random") + [one for one in row["beyond"] if one["kind"] == kind]
            axis.plot([one["length"] for one in there], [100 * one["share"] for one in there], marker="o",
                      label=f"trained to {row['trained_to']} in {row['updates']:,} updates, seed {row['seed']}, "
                            f"dropout {row['dropout']:g}")
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_title(f"{row['task']}: {kind}", fontsize="medium")
        axis.set_xlabel("length of the sequence")
        axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("fully right, %")
    axes[0, 0].set_ylim(-3, 103)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize="x-small")
    _save(figure, Path(folder) / "lengths.png")


def catch_search(best: list[dict[str, Any]], name: str, folder: str) -> None:
    """The share of balls caught against frames, a line for each network: the mean of its best runs."""
    pyplot = _pyplot()
    figure, axis = pyplot.subplots(figsize=(6, 3.8), layout="constrained")
    for one in best:
        curve = one["curve"]
        axis.plot(np.array(curve["frames"]) / 1e6, 100 * np.array(curve["success"]),
                  label=f"{one['model']}, trials {', '.join(map(str, one['trials']))}")
    axis.set_title(f"Catch, {name}: mean of the best five of a random search", fontsize="medium")
    axis.set_xlabel("frames, in millions")
    axis.set_ylabel("balls caught, %")
    axis.set_ylim(0, 100)
    axis.grid(alpha=0.3)
    axis.legend(fontsize="x-small", loc="lower right")
    _save(figure, Path(folder) / f"catch-search-{name}.png")


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _save(figure: Any, path: Path, dpi: int = 130) -> None:
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=dpi)
    _pyplot().close(figure)
