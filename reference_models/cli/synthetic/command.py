"""`python -m reference_models synthetic`: copy letters and remember a random function, with a memory and without."""

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reference_models.cli.synthetic.job import Settings

MINUTES = 13.0
MODEL_NAMES = ("seq2seq", "extended-neural-gpu")
"""Those of `models`, which is not loaded for `--help` alone; a test compares them."""


def add_to(commands: Any) -> None:
    """Add the command to the parser of all."""
    from reference_models.cli import options
    from reference_models.cli.options import SEARCHES, natural, positive

    own = commands.add_parser(
        "synthetic", help="the paper's synthetic task: copy letters, replace a number by a random function of it",
        description="Train a model on the synthetic task of LTRRE §4 and measure how many test strings it writes "
                    "without a fault, beside what needs no learning. The data is made on the spot.")
    own.set_defaults(run=run)
    own.add_argument("--model", choices=MODEL_NAMES, help="default seq2seq")
    own.add_argument("--memory", action=argparse.BooleanOptionalAction, help="default: with one")
    own.add_argument("--query", choices=("context", "top", "both"),
                     help="what the memory of seq2seq is asked with; default both, with --faithful context")
    own.add_argument("--faithful", action="store_true", default=None,
                     help="as the paper's text: ask with the attention's context, never clear the memory")
    own.add_argument("--search", choices=SEARCHES, help="how the memory finds neighbours; default auto")
    budget = own.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=positive(float), metavar="M", help=f"of training; default {MINUTES:g}")
    budget.add_argument("--rounds", type=positive(int), metavar="N", help="train on N rounds of strings instead")
    own.add_argument("--largest", type=positive(int), metavar="N", help="S = 2 .. N; default 16000")
    own.add_argument("--train", type=positive(int), metavar="N", help="training examples; default 40000")
    own.add_argument("--test", type=positive(int), default=10_000, metavar="N", help="test strings; default 10000")
    own.add_argument("--seed", type=natural, metavar="S", help="of the weights and of f; default 0")
    own.add_argument("--shards", type=positive(int), metavar="N",
                     help="parts of a batch that are worked on side by side; default 1, or as the run began; an "
                          "extended-neural-gpu with a memory has one")
    options.add_folder(own, "synthetic", goes_on=options.AS_STARTED)


def run(options: argparse.Namespace) -> None:
    """Train or resume, measure, and write down."""
    from reference_models.cli import output
    from reference_models.cli.synthetic import job, report

    folder = output.run_folder("synthetic", output.CHECKPOINT, options.out, resume=options.resume)
    saved = job.saved_run(folder, options.model) if options.resume else None
    settings = _settings(options, saved.settings if saved else None)
    shards = options.shards or (saved.settings.get("shards", 1) if saved else 1)
    with output.writable(folder):
        output.say(f"output goes to {folder}")
        results = job.everything(settings, saved, folder, test=options.test, shards=shards)
        output.write_json(folder / "results.json", results.facts)
    if options.json:
        print(json.dumps(results.facts))
    else:
        report.show(results)


def _settings(options: argparse.Namespace, saved: dict[str, Any] | None) -> "Settings":
    """What was asked for; on a resume, what was saved: it may be repeated, and only the budget may be given anew."""
    import dataclasses

    from reference_models.cli import output
    from reference_models.cli.synthetic.job import Settings
    from reference_models.tasks.synthetic import LARGEST, TRAIN

    asked = {"model": options.model, "memory": options.memory, "query": options.query, "faithful": options.faithful,
             "search": options.search, "largest": options.largest, "train": options.train, "seed": options.seed}
    budget = {"minutes": options.minutes, "rounds": options.rounds}
    if saved is None:
        if options.memory is False:
            for name in ("query", "search", "faithful"):
                if asked[name] is not None:
                    raise ValueError(f"--{name} is about the memory, which --no-memory leaves out")
        standard = {"model": "seq2seq", "memory": True, "query": None, "faithful": False, "search": None,
                    "largest": LARGEST, "train": TRAIN, "seed": 0}
        if not any(budget.values()):
            budget["minutes"] = MINUTES
        given: dict[str, Any] = {name: standard[name] if value is None else value for name, value in asked.items()}
        return Settings(**given, **budget)
    before = Settings.from_facts(saved)
    output.check_unchanged(asked, vars(before))
    return dataclasses.replace(before, **budget) if any(budget.values()) else before
