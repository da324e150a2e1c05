"""`python -m reference_models glimpses`: digits that are seen piece by piece. Fast weights and their rivals."""

import argparse
import json
from pathlib import Path
from typing import Any

MODELS = ("fast-weights", "irnn", "lstm", "a-lstm", "convnet")


def add_to(commands: Any) -> None:
    """Add the command to the parser of all."""
    from reference_models.cli.options import natural, positive

    own = commands.add_parser(
        "glimpses", help="digits in 24 glimpses: fast weights that are told when to store, IRNN, LSTM, ConvNet",
        description="Learn to name a digit from 24 glimpses of 7 x 7 pixels, in a fixed order from coarse to fine. A "
                    "signal tells fast weights when to store and wipe. Without --data the digits are made up on the "
                    "spot, and are easier than MNIST's.")
    own.set_defaults(run=run)
    own.add_argument("--data", metavar="DIR", help="folder of MNIST's four IDX files; default: made-up digits")
    own.add_argument("--model", nargs="+", choices=MODELS, default=["fast-weights"], dest="models", metavar="MODEL",
                     help=f"one or several of {', '.join(MODELS)}; default fast-weights")
    own.add_argument("--units", type=positive(int), nargs="+", default=[50], metavar="R",
                     help="of the recurrent layer, one or several; default 50")
    own.add_argument("--seed", type=natural, default=0, metavar="S", help="the first one; default 0")
    own.add_argument("--seeds", type=positive(int), default=1, metavar="N", help="how many, from --seed on; default 1")
    own.add_argument("--order", choices=("return", "overview"),
                     help="of the glimpses: each quadrant coarse, fine, and coarse again (default), or all four coarse "
                          "before each coarse and fine")
    own.add_argument("--updates", type=positive(int), metavar="N", help="default: 2000, with --data 6000")
    own.add_argument("--rate", type=positive(float), metavar="R", help="of Adam; default 0.002")
    own.add_argument("--hold", type=float, metavar="F", help="fraction of the updates before the rate falls")
    own.add_argument("--batch", type=positive(int), metavar="B", help="default 128")
    own.add_argument("--train", type=positive(int), metavar="N", help="training images; default: 10000, or MNIST's")
    own.add_argument("--steps", type=natural, metavar="S", help="of the inner loop; default 1")
    own.add_argument("--decay", type=float, metavar="L", help="lambda; default 0.95")
    own.add_argument("--fast-rate", type=float, metavar="E", help="eta; default min(0.5, 10/R)")
    own.add_argument("--out", type=Path, metavar="DIR", help="default: runs/glimpses-1, or the next free number")
    own.add_argument("--resume", action="store_true",
                     help="go on with the run in --out (default: the latest one); more models and seeds may be added, "
                          "and --updates be given anew for these")
    own.add_argument("--json", action="store_true", help="print one JSON object and nothing else on stdout")


def run(options: argparse.Namespace) -> None:
    """Train or resume, measure, and write down."""
    from reference_models.cli import grid, output
    from reference_models.cli.glimpses import job, report

    folder = options.out or (output.latest_folder("glimpses", grid.SETTINGS) if options.resume
                             else output.new_folder("glimpses"))
    asked = {name: getattr(options, name) for name in job.DEFAULTS}
    settings = grid.settled(folder, asked, job.DEFAULTS, resume=options.resume)
    legs = [grid.Leg(model, units, seed) for units in sorted(set(options.units))
            for seed in range(options.seed, options.seed + options.seeds) for model in dict.fromkeys(options.models)]
    task = job.Glimpses(settings)
    for leg in legs:  # a wrong setting is to be heard of before the work
        task.choices(leg)
        if task.schedule(leg).batch > len(task.examples("train").labels):
            raise ValueError(f"a batch has {settings['batch']} examples, and there are only "
                             f"{len(task.examples('train').labels)}")
        task.build(leg)
    with output.writable(folder):
        grid.run(task, legs, folder, settings)
        facts = report.write(task, folder)
    if options.json:
        print(json.dumps(facts))
    else:
        report.show(facts)
