"""`python -m reference_models recall`: which digit came with this letter? Fast weights and their rivals."""

import argparse
import json
from typing import Any

MODELS = ("fast-weights", "irnn", "lstm", "a-lstm")


def add_to(commands: Any) -> None:
    """Add the command to the parser of all."""
    from reference_models.cli import options
    from reference_models.cli.options import positive

    own = commands.add_parser(
        "recall", help="associative retrieval: fast weights, IRNN, LSTM and A-LSTM",
        description="Learn to answer questions like c9k8j3f1??c with 9: train, measure on new sequences, draw. The "
                    "sequences are drawn on the spot. Without options: fast weights with 20 units, in about two "
                    "minutes.")
    own.set_defaults(run=run)
    options.add_legs(own, MODELS, 20)
    own.add_argument("--pairs", type=positive(int), metavar="K", help="of a letter and a digit; default 4")
    own.add_argument("--updates", type=positive(int), metavar="N", help="default: 25000 up to 20 units, 20000 for more")
    own.add_argument("--rate", type=positive(float), metavar="R", help="of Adam; default: as the recipe of the model")
    own.add_argument("--hold", type=float, metavar="F", help="fraction of the updates before the rate falls")
    own.add_argument("--batch", type=positive(int), metavar="B", help="default 128")
    own.add_argument("--train", type=positive(int), metavar="N", help="training sequences; default 100000")
    own.add_argument("--choices", metavar="NAME", help="how the open points of the paper are settled: fw2016 "
                     "(default), or as a public program does: jiamings, victorwz, gokumohandas, waymane1; eta is that "
                     "of --fast-rate in each")
    own.add_argument("--ask", metavar="TEXT", help="a sequence to answer and to draw the attention of, such as "
                     "c9k8j3f1??c; default: the first test sequence")
    options.add_fast_weights(own)
    options.add_folder(own, "recall", goes_on=options.MORE_LEGS)


def run(options: argparse.Namespace) -> None:
    """Train or resume, measure, and write down."""
    from reference_models.cli.grid import training
    from reference_models.cli.grid.experiment import of_options
    from reference_models.cli.recall import job, report
    from reference_models.tasks import retrieval

    experiment = of_options("recall", options, job.DEFAULTS)
    question = None
    if options.ask is not None:
        question, pairs = retrieval.parsed(options.ask), experiment.settings["pairs"]
        if len(question) != retrieval.length(pairs):
            raise ValueError(f"{options.ask!r} has {(len(question) - 3) // 2} pairs, and the network is trained on "
                             f"{pairs}")
    task = job.Recall(experiment.settings)
    training.run(task, experiment)
    facts = report.write(task, experiment.folder, question)
    if options.json:
        print(json.dumps(facts))
    else:
        report.show(facts)
