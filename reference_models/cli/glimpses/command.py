"""`python -m reference_models glimpses`: digits that are seen piece by piece. Fast weights and their rivals."""

import argparse
import json
from typing import Any

MODELS = ("fast-weights", "irnn", "lstm", "a-lstm", "convnet")


def add_to(commands: Any) -> None:
    """Add the command to the parser of all."""
    from reference_models.cli import options
    from reference_models.cli.options import natural, positive

    own = commands.add_parser(
        "glimpses", help="digits in 24 glimpses: fast weights that are told when to store, IRNN, LSTM, ConvNet",
        description="Learn to name a digit from 24 glimpses of 7 x 7 pixels, in a fixed order from coarse to fine. A "
                    "signal tells fast weights when to store and wipe. Without --data the digits are made up on the "
                    "spot, and are easier than MNIST's.")
    own.set_defaults(run=run)
    own.add_argument("--data", metavar="DIR", help="folder of MNIST's four IDX files; default: made-up digits")
    options.add_legs(own, MODELS, 50)
    own.add_argument("--order", choices=("return", "overview"),
                     help="of the glimpses: each quadrant coarse, fine, and coarse again (default), or all four coarse "
                          "before each coarse and fine")
    own.add_argument("--updates", type=positive(int), metavar="N", help="default: 2000, with --data 6000")
    own.add_argument("--rate", type=positive(float), metavar="R", help="of Adam; default 0.002")
    own.add_argument("--hold", type=float, metavar="F", help="fraction of the updates before the rate falls")
    own.add_argument("--batch", type=positive(int), metavar="B", help="default 128")
    own.add_argument("--train", type=positive(int), metavar="N", help="training images; default: 10000, or MNIST's")
    own.add_argument("--shift", type=natural, metavar="N",
                     help="also learn from each image moved by up to N pixels; default 0, as the paper")
    options.add_fast_weights(own)
    options.add_folder(own, "glimpses", goes_on=options.MORE_LEGS)


def run(options: argparse.Namespace) -> None:
    """Train or resume, measure, and write down."""
    from reference_models.cli.glimpses import job, report
    from reference_models.cli.grid import training
    from reference_models.cli.grid.experiment import of_options

    experiment = of_options("glimpses", options, job.DEFAULTS)
    task = job.Glimpses(experiment.settings)
    training.run(task, experiment)
    facts = report.write(task, experiment.folder)
    if options.json:
        print(json.dumps(facts))
    else:
        report.show(facts)
