"""Error against step, on two logarithmic axes: what one step size would have made of each problem.   (extra `plot`)"""

import os

from refmem.gradcheck.report import GradReport
from refmem.storage import replacing

MOST_LABELS = 20  # rows, above which the legend would hide the picture


def require_matplotlib() -> None:
    """Raise with a sentence where matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError("drawing needs matplotlib: pip install 'refmem[plot]'") from error


def plot(report: GradReport, path: str | os.PathLike[str]) -> None:
    """Draw |central difference - gradient| of each row against the step; a star marks the error bar of the tableau.

    The format follows the ending of `path`; without one it is PNG.
    """
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = [row for row in report.rows if row.curve]
    if not rows:
        raise ValueError("there is nothing to draw: no row of the report was measured with steps")
    figure = Figure(figsize=(9, 6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for row in rows:
        size = abs(row.scale or 1.0)
        steps = [step for step, error in row.curve if error]
        errors = [abs(error) / size for _, error in row.curve if error]
        label = f"{row.problem} {row.dtype} {row.output} <- {row.input}: {row.verdict}"
        [curve] = axes.loglog(steps, errors, marker=".", label=label if len(rows) <= MOST_LABELS else None,
                              linestyle="-" if row.dtype == "float64" else "--")
        if row.chosen is not None:
            axes.loglog([row.chosen[0]], [row.chosen[1] / size], marker="*", markersize=11, color=curve.get_color())
    axes.set_xlabel("step")
    axes.set_ylabel("|central difference - gradient| / typical gradient element")
    axes.set_title("Error of central differences against their step; stars: error bar of the tableau")
    axes.grid(True, which="major", alpha=0.3)
    if len(rows) <= MOST_LABELS:
        axes.legend(fontsize="x-small")
    ending = os.fspath(path).rpartition(".")[2].lower()
    with replacing(path) as file:
        figure.savefig(file, format=ending if ending in ("png", "svg", "pdf") else "png", dpi=150)
