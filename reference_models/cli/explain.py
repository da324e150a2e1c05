"""`python -m reference_models explain CHECKPOINT IMAGE`: what a drawing is taken for, and because of what."""

import argparse
import json
import textwrap
from pathlib import Path
from typing import Any


def add_to(commands: Any) -> None:
    """Add the command to the parser of all."""
    from reference_models.cli.options import positive

    own = commands.add_parser(
        "explain", help="what a drawing is taken for, and the stored examples that say so",
        description="Show a drawing to the memory of a finished run of `omniglot`, which was shown every unseen "
                    "character once, and print its answer with the stored drawings that it rests on.")
    own.set_defaults(run=run)
    own.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="checkpoint.npz of a run, or its folder")
    own.add_argument("image", type=Path, metavar="IMAGE",
                     help="a drawing of one character, e.g. a PNG, on light or dark paper")
    own.add_argument("--top", type=positive(int), default=5, metavar="K", help="stored drawings shown; default 5")
    own.add_argument("--picture", type=Path, metavar="FILE", help="also write them as a PNG (needs matplotlib)")
    own.add_argument("--json", action="store_true", help="print one JSON object and nothing else on stdout")


def run(options: argparse.Namespace) -> None:
    """Answer and print."""
    from reference_models.cli import pictures
    from reference_models.cli.omniglot import drawings
    from reference_models.cli.omniglot.trained import Trained
    from reference_models.tasks.one_shot import drawing

    if options.picture and not pictures.available():
        raise ValueError(pictures.MISSING)
    trained = Trained.load(options.checkpoint)
    ink = drawing.read(options.image)
    evidence = trained.explain(ink, options.top)
    if not evidence:
        raise ValueError(f"{options.image} is like nothing in the memory: it answers with an empty slot")

    if options.picture:
        stored = [(trained.drawings[e.source], textwrap.fill(f"{trained.names[e.value]} ({e.cosine:.2f})", 22))
                  for e in evidence]
        drawings.evidence(options.picture, ink, stored, title=f"taken for {trained.names[evidence[0].value]}")
    if options.json:
        print(json.dumps({
            "answer": trained.names[evidence[0].value], "confidence": evidence[0].confidence,
            "evidence": [{"stored": trained.names[e.value], "cosine": e.cosine, "confidence": e.confidence,
                          "slot": e.slot, "source": e.source, "age": e.age} for e in evidence]}))
    else:
        _show(trained, ink, evidence)


def _show(trained: Any, ink: Any, evidence: list[Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(title="asked, and the stored drawings nearest to it", show_lines=True)
    for column in ("", "drawing", "what it is", "cosine", "confidence"):
        table.add_column(column, justify="right" if column in ("cosine", "confidence") else "left",
                         no_wrap=column == "drawing")
    table.add_row("asked", in_blocks(ink), "", "", "")
    for rank, e in enumerate(evidence, 1):
        table.add_row(str(rank), in_blocks(trained.drawings[e.source]), trained.names[e.value], f"{e.cosine:.3f}",
                      f"{e.confidence:.3f}")
    console.print(table)
    first = evidence[0]
    console.print(f"Taken for {trained.names[first.value]}: of {len(trained.names)} characters, each seen once, its "
                  f"stored drawing is the nearest (cosine {first.cosine:.3f}).",
                  soft_wrap=True, highlight=False, markup=False)


def in_blocks(ink: Any) -> str:
    """A drawing as text: two pixels, one above the other, a character."""
    dark = ink > 96  # [28, 28]
    return "\n".join("".join(" ▄▀█"[2 * int(above) + int(below)] for above, below in zip(*pair, strict=True))
                     for pair in zip(dark[::2], dark[1::2], strict=True))
