"""`python -m reference_models faces`: which expression? Glimpses at faces of people never seen before."""

import argparse
import json
from typing import Any

MODELS = ("fast-weights", "irnn", "lstm", "convnet")


def add_to(commands: Any) -> None:
    """Add the command to the parser of all."""
    from reference_models.cli import options
    from reference_models.cli.options import positive

    own = commands.add_parser(
        "faces", help="facial expressions, glimpse by glimpse: fast weights, IRNN, LSTM, ConvNet",
        description="Learn six expressions from 24 glimpses at each face, test on people never seen before, draw. "
                    "Without --data the people are made up on the spot.")
    own.set_defaults(run=run)
    own.add_argument("--data", metavar="DIR", help="folder of Multi-PIE, cropped to 48 x 48; default: made-up faces")
    options.add_legs(own, MODELS, 200)
    own.add_argument("--people", type=positive(int), metavar="N", help="made up to learn from; default 300")
    own.add_argument("--test-people", type=positive(int), metavar="N",
                     help="kept for the test; default 100 of those made up, 20 of Multi-PIE")
    own.add_argument("--updates", type=positive(int), metavar="N", help="default 3000")
    own.add_argument("--batch", type=positive(int), metavar="B", help="default 64")
    own.add_argument("--rate", type=positive(float), metavar="R", help="of Adam; default 1e-3")
    options.add_fast_weights(own)
    options.add_folder(own, "faces", goes_on=options.MORE_LEGS)


def run(options: argparse.Namespace) -> None:
    """Train or resume, measure, and write down."""
    from reference_models.cli.faces import job, report
    from reference_models.cli.grid import training
    from reference_models.cli.grid.experiment import of_options

    if options.data is not None and options.people is not None:
        raise ValueError("--people says how many are made up, and --data has its own")
    experiment = of_options("faces", options, job.DEFAULTS)
    task = job.FaceTask(experiment.settings)
    training.run(task, experiment)
    facts = report.write(task, experiment.folder)
    if options.json:
        print(json.dumps(facts))
    else:
        report.show(facts)
