"""What the command `translate` prints: scores, examples side by side, and where the words came from."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reference_models.cli import pictures
from reference_models.cli.translate.job import Results

SHOWN = 5  # examples


def show(results: Results) -> None:
    """Print to stdout."""
    console = Console()
    for name, figures in results.facts.get("tests", {}).items():
        console.print(_scores(name, figures))
    for example in results.examples[:SHOWN]:
        _example(console, example)
    pictures.show_written(console, ", ".join(str(path) for path in results.written))
    facts = results.facts
    console.print(f"Trained on {facts['target_tokens']:,} target tokens in {facts['seconds'] / 60:.1f} minutes: "
                  f"{facts['updates']:,} updates, {facts['epochs']} epochs.", soft_wrap=True, highlight=False)


def _scores(name: str, figures: dict[str, Any]) -> Table:
    table = Table(title=f"{name}: {figures['sentences']} sentences; BLEU with its 95 % interval, and rare words found "
                        "(seen at most twice in training)")
    for column in ("after being shown", "BLEU", "lines asked", "rare words", "of words shown once"):
        table.add_column(column, justify="left" if column == "after being shown" else "right")
    bleu = figures.get("bleu", {})
    odd, whole = (figures[f"rare_words_asked_in_{lines}_lines"] for lines in ("odd", "all"))
    rows: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("nothing, memory zeroed", "memory zeroed", "all", {}),
        ("nothing", "no context", "all", whole["no context"]),
        ("nothing", "no context, odd lines", "odd", odd["no context"]),
        ("the even lines", "even lines", "odd", odd.get("even lines", {})),
        ("all lines", "all lines", "all", whole.get("all lines", {})))
    for condition, row, lines, rare in rows:
        if row not in bleu and not rare:
            continue
        score = bleu.get(row)
        table.add_row(condition, f"{score['value']:.1f} ({score['low']:.1f} .. {score['high']:.1f})" if score else "",
                      lines, *(f"{rare[which]['found']} of {rare[which]['asked']}" if which in rare else ""
                               for which in ("all", "context_seen_once")))
    return table


def _example(console: Console, example: dict[str, Any]) -> None:
    table = Table(show_header=False, title=f"line {example['line']}")
    for label, key in (("source", "source"), ("reference", "reference"), ("memory zeroed", "memory_zeroed"),
                       ("without context", "memory_without_context"), ("with context", "memory_with_context")):
        table.add_row(label, Text(example[key]))  # a sentence may have brackets, which are no markup
    for origin in example["origins"]:
        table.add_row(Text(f"{origin['word']} from"),
                      Text(f"{origin['sentence']} = {origin['translation']} "
                           f"({origin['from']}, confidence {origin['confidence']:.2f})"))
    console.print(table)
