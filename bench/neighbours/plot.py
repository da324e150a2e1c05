"""Recall against time, one panel for each memory size and kind of keys."""

from statistics import median
from typing import Any

MARKS = "osD^v<>PX*hd"


def draw(report: dict[str, Any], path: str) -> None:
    """Write the picture to `path`: the rows with the most queries a batch below 17, one thread, the first k."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    from refmem.storage import replacing

    rows = report["rows"]
    batch = max((row["B"] for row in rows if row["B"] <= 16), default=min(row["B"] for row in rows))
    k, threads = min(row["k"] for row in rows), min(row["threads"] for row in rows)
    rows = [row for row in rows if (row["B"], row["k"], row["threads"]) == (batch, k, threads)]
    kinds = list(dict.fromkeys((row["data"], row["cosine"]) for row in rows))
    sizes = list(dict.fromkeys(row["m"] for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    figure, axes = pyplot.subplots(len(sizes), len(kinds), figsize=(4 * len(kinds), 3.4 * len(sizes)), squeeze=False,
                                   sharey=True, layout="constrained")
    for line, m in zip(axes, sizes, strict=True):
        for axis, (data, cosine) in zip(line, kinds, strict=True):
            cell_rows = [row for row in rows if (row["m"], row["data"], row["cosine"]) == (m, data, cosine)]
            for number, method in enumerate(methods):
                for row in (row for row in cell_rows if row["method"] == method):
                    below = row["recall_at_1"] - row["recall_at_1_low"]
                    above = row["recall_at_1_high"] - row["recall_at_1"]
                    axis.errorbar(row["ms"], row["recall_at_1"], yerr=[[max(0, below)], [max(0, above)]],
                                  fmt=MARKS[number % len(MARKS)], color=f"C{number % 10}", label=method)
            if cell_rows:  # in whose turns the others were measured
                axis.axvline(median(row["ms"] * row["ratio_to_exact"] for row in cell_rows), color="grey",
                             linestyle="--", label="NumPy (exact)")
            axis.set_xscale("log")
            axis.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
            axis.xaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
            axis.xaxis.set_minor_formatter(ticker.NullFormatter())
            if not cell_rows:
                axis.text(0.5, 0.5, "not measured", transform=axis.transAxes, ha="center")
            axis.set_title(f"{m} slots, {data}" + (f", cosine {cosine}" if cosine else ""), fontsize="medium")
            axis.set_xlabel(f"ms for {batch} queries, k = {k}, {threads} thread(s)")
            axis.grid(alpha=0.3)
        line[0].set_ylabel("recall@1")
    axes[0, 0].legend(fontsize="small")
    with replacing(path) as file:
        figure.savefig(file, format=path.rpartition(".")[2] or "png", dpi=130)
    pyplot.close(figure)
