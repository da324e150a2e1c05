"""What the command `synthetic` prints: a table, and what was written."""

from rich.console import Console
from rich.table import Table

from reference_models.cli import pictures
from reference_models.cli.synthetic.job import Results


def show(results: Results) -> None:
    """Print to stdout."""
    console, facts = Console(), results.facts
    table = Table(title=f"Test strings written without a fault, in %: {facts['test']:,} strings, "
                        f"{facts['train']:,} training examples")
    for column in ("", "all", "number seen\nin training", "number\nnot seen"):
        table.add_column(column, justify="right" if column else "left")
    for name, row in facts["rows"].items():
        table.add_row(name, f"{row['percent']:.1f}", f"{row['numbers_seen']:.1f}", f"{row['numbers_not_seen']:.1f}")
    console.print(table)
    pictures.show_written(console, ", ".join(str(path) for path in results.written))
    console.print(f"Trained on {facts['strings']:,} strings in {facts['seconds'] / 60:.1f} minutes.", soft_wrap=True,
                  highlight=False)
