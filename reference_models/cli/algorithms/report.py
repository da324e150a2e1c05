"""The results of `algorithms` as a table for people."""

from typing import Any

import rich.console
import rich.table


def show(facts: dict[str, Any]) -> None:
    """Print it."""
    table = rich.table.Table(title=f"{facts['task']}, trained to length {facts['reached']} in {facts['updates']:,} "
                                   f"updates ({facts['seconds']:,.0f} s)", title_justify="left")
    for heading in ("length", "kind", "sequences", "fully right", "symbols right"):
        table.add_column(heading, justify="left" if heading == "kind" else "right")
    trained = facts["trained"]
    table.add_row(f"up to {trained['longest']}", "random", f"{trained['sequences']:,}",
                  f"{1 - trained['errors'] / trained['sequences']:.2%}", f"{trained['errors']:,} wrong")
    for row in facts["beyond"]:
        table.add_row(f"{row['length']:,}", row["kind"], f"{row['sequences']:,}", f"{row['share']:.2%}",
                      f"{row['symbols_right']:.4%}")
    console = rich.console.Console()
    console.print(table)
    console.print(f"written to {facts['out']}", highlight=False, soft_wrap=True, markup=False)
