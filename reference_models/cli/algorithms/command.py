"""`python -m reference_models algorithms`: train a Neural GPU on an algorithm, and measure it far beyond the training.

    algorithms --task badd --minutes 15           train, measure, draw
    algorithms --resume                           go on with the latest run, or measure it again
    algorithms --resume --length 101 --minutes 60 the same, and on to longer sequences
    algorithms --resume --chains 0.3              the same, and from now on with carries that travel far
    algorithms --solve 1010+0111                  ask the latest run; draws its mental image
"""

import argparse
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reference_models.cli.algorithms.job import Settings
    from reference_models.training.algorithms.neural_gpu import Recipe

TASK_NAMES = ("badd", "bmul", "copy", "reverse", "duplicate", "sort")
"""The names of `reference_models.tasks.algorithms`, which is not loaded for `--help` alone."""
MINUTES = 10.0
BADD = {"dropout": 0.06}
"""Without it, addition is not learnt so well that it holds far beyond the lengths of the training."""


def add_to(commands: Any) -> None:
    """Add the command to the parser of all."""
    from reference_models.cli import options
    from reference_models.cli.options import natural, positive

    own = commands.add_parser(
        "algorithms", help="a Neural GPU learns addition, copying, sorting ... from examples: train, measure, ask",
        description="Train a Neural GPU on examples of an algorithm, short ones first, then measure it at the lengths "
                    "it was trained on and far beyond them.")
    own.set_defaults(run=run)
    own.add_argument("--task", choices=TASK_NAMES, help="default badd, binary addition")
    own.add_argument("--length", type=positive(int), metavar="N",
                     help="longest sequence to train on; default 41; --resume may go on to longer ones")
    budget = own.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=positive(float), metavar="M", help=f"of training; default {MINUTES:g}")
    budget.add_argument("--updates", type=positive(int), metavar="N", help="train for N updates instead")
    own.add_argument("--batch", type=positive(int), metavar="N",
                     help="sequences of up to 41 symbols; of longer ones fewer; default 32")
    own.add_argument("--curriculum", choices=("recipe", "paper"), help="how lengths are chosen; default recipe")
    own.add_argument("--cutoff", choices=("paper", "released"), help="of the gates: 1.1 (default) or 1.2")
    own.add_argument("--dropout", type=float, metavar="P",
                     help=f"on the mental image, at every step; default {BADD['dropout']:g} for badd, 0 for the others")
    own.add_argument("--noise", type=float, metavar="S", help="scale of the noise on the gradients; default 0")
    own.add_argument("--sets", type=positive(int), metavar="R",
                     help="of weights, drawn together until they are one (parameter sharing relaxation); default 1")
    own.add_argument("--chains", type=float, metavar="P",
                     help="for badd: share of the sums whose carries travel half of the digits or more, and of those "
                          "where they travel over all distances; default 0; --resume may add them in the end")
    own.add_argument("--spikes", type=float, metavar="K",
                     help="bound a gradient at K times the running mean of their norms; default 2; 0: no such bound")
    own.add_argument("--shards", type=positive(int), metavar="N",
                     help="parts of a batch that are worked on side by side; default 2")
    own.add_argument("--device", choices=("cpu", "gpu"), default="cpu",
                     help="where the network is trained and measured; a GPU (extra gpu) wants large batches")
    own.add_argument("--test", type=positive(int), default=10_000, metavar="N",
                     help="sequences to measure at trained lengths; default 10000")
    own.add_argument("--beyond", type=positive(int), nargs="*", metavar="L",
                     help="also measure at these lengths; default the first above 2 and 5 times the longest")
    own.add_argument("--beyond-sequences", type=positive(int), default=500, metavar="N", help="of each; default 500")
    own.add_argument("--solve", metavar="TEXT", help="train nothing: ask the network of --out (default: the latest)")
    own.add_argument("--positions", type=positive(int), metavar="N",
                     help="of the state that --solve computes on; default: as many as symbols")
    own.add_argument("--seed", type=natural, metavar="S", help="default 0")
    options.add_folder(own, "algorithms", goes_on=options.AS_STARTED)


def run(options: argparse.Namespace) -> None:
    """Train or resume, measure, and write down; or ask."""
    from refmem.arrays import device

    from reference_models.cli import output
    from reference_models.cli.algorithms import job, report

    there = options.resume or options.solve is not None
    folder = output.run_folder("algorithms", output.CHECKPOINT, options.out, resume=there)
    if options.solve is not None:
        solved = job.solve(folder, options.solve, options.positions)
        print(json.dumps(solved) if options.json else solved["answer"])
        return
    if options.positions is not None:
        raise ValueError("--positions is about the state of --solve, which was not asked for")
    saved = job.saved_run(folder) if options.resume else None
    settings = _settings(options, saved.settings if saved else None)
    job.check_beyond(settings, options.beyond)
    xp = device(options.device)
    with output.writable(folder):
        output.say(f"output goes to {folder}")
        facts = job.everything(settings, saved, folder, test=options.test, beyond=options.beyond,
                               beyond_sequences=options.beyond_sequences, xp=xp)
        output.write_json(folder / "results.json", facts)
    if options.json:
        print(json.dumps(facts))
    else:
        report.show(facts)


def _settings(options: argparse.Namespace, saved: dict[str, Any] | None) -> "Settings":
    """What was asked for; on a resume, what was saved: it may be repeated, and only the budget may be given anew."""
    from reference_models.cli import output
    from reference_models.cli.algorithms.job import Settings
    from reference_models.neural_gpu import Size
    from reference_models.training.algorithms.neural_gpu import Recipe

    asked = {"task": options.task, "longest": options.length, "batch": options.batch, "curriculum": options.curriculum,
             "dropout": options.dropout, "noise": options.noise, "sets": options.sets, "chains": options.chains,
             "spikes": options.spikes, "shards": options.shards}
    given = {name: value for name, value in asked.items() if value is not None}
    if options.cutoff is not None:
        given["size"] = Size(cutoff=options.cutoff)
    budget = {"minutes": options.minutes, "updates": options.updates}
    if saved is None:
        if not any(budget.values()):
            budget["minutes"] = MINUTES
        if options.task in (None, "badd"):
            given = BADD | given
        return Settings(Recipe(**given), options.seed or 0, **budget)

    before = Settings.from_facts(saved)
    recipe = before.recipe
    output.check_unchanged(given, vars(recipe), but=["sets", "longest", "chains"])  # the sets may have become one since
    output.check_unchanged({"seed": options.seed}, vars(before))
    if options.chains is not None:
        recipe = replace(recipe, chains=options.chains)
    if options.length not in (None, recipe.longest):
        recipe = _longer(recipe, options.length, budget)
    return replace(before, recipe=recipe, **(budget if any(budget.values()) else {}))


def _longer(recipe: "Recipe", length: int, budget: dict[str, Any]) -> "Recipe":
    """The recipe of a run that goes on to longer sequences."""
    if length < recipe.longest:
        raise ValueError(f"the run was started with sequences of up to {recipe.longest} symbols and can go on to "
                         f"longer ones only, got --length {length}")
    if not any(budget.values()):
        raise ValueError("longer sequences take more training: give --updates or --minutes besides --length")
    return replace(recipe, longest=length)
