"""What the command `omniglot` prints: tables, files, and one sentence on what was learnt."""

from rich.console import Console
from rich.table import Table

from reference_models.cli import pictures
from reference_models.cli.omniglot.job import Results

PAPER_TABLE = {5: {1: 98.4, 5: 99.6}, 20: {1: 95.0, 5: 98.6}}
"""LTRRE table 1, on the split 1200/423."""


def show(results: Results) -> None:
    """Print to stdout."""
    console = Console()
    console.print(accuracy_table(results))
    if results.lags:
        console.print(lag_table(results))
    pictures.show_written(console, ", ".join(str(path) for path in results.written))
    console.print(sentence(results), soft_wrap=True, highlight=False)


def accuracy_table(results: Results) -> Table:
    """Shots down, widths across."""
    omniglot = results.facts["data"].startswith("omniglot")
    table = Table(title=f"Recognised of {results.split.test.classes} characters never seen in training, in %\n"
                        f"{results.facts['data']}; ± 95 % confidence over {results.facts['test_episodes']} episodes, "
                        f"{results.facts['protocol']}")
    table.add_column("drawings seen\nof each", justify="right")
    for width in results.widths:
        table.add_column(f"{width.ways}-way", justify="right")
        if omniglot and width.ways in PAPER_TABLE:
            table.add_column("paper\n1200/423", justify="right", style="dim")
    for row, shots in enumerate(results.widths[0].shots.tolist()):
        cells = [str(shots)]
        for width in results.widths:
            cells.append(f"{100 * width.accuracy[row]:.1f} ± {100 * width.half_width[row]:.1f}")
            if omniglot and width.ways in PAPER_TABLE:
                printed = PAPER_TABLE[width.ways].get(shots)
                cells.append("" if printed is None else f"{printed:.1f}")
        table.add_row(*cells)
    return table


def lag_table(results: Results) -> Table:
    """Accuracy after each lag."""
    assert results.lags
    split = results.split
    table = Table(title=f"A memory that is never cleared: {results.lags[0].characters} unseen characters, shown once\n"
                        f"among drawings of {split.train.classes} others; recognised later, in % ± 95 % confidence")
    for column in ("steps since\nit was shown", "recognised\nat the end", "recognised\nafter 10 steps"):
        table.add_column(column, justify="right")
    for row in results.lags:
        table.add_row(f"{row.lag:,}", f"{100 * row.accuracy:.1f} ± {100 * row.half_width:.1f}",
                      f"{100 * row.at_once:.1f}")
    return table


def sentence(results: Results) -> str:
    """What was learnt."""
    minutes = results.facts["seconds"] / 60
    scores = " and ".join(f"{100 * width.accuracy[0]:.1f} % among {width.ways} (guessing: {100 / width.ways:.0f} %)"
                          for width in results.widths)
    memory = "" if not results.lags else (
        f" Of characters shown once to a memory that is never cleared, it recognises "
        f"{100 * results.lags[0].accuracy:.1f} % after {results.lags[0].lag} steps and "
        f"{100 * results.lags[-1].accuracy:.1f} % after {results.lags[-1].lag:,}.")
    return (f"Learnt in {minutes:.1f} minutes, from {results.split.train.classes} classes of characters, how to "
            f"recognise characters never seen before from a single drawing of each: {scores}.{memory}")
