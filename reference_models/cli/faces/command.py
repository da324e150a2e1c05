"""`python -m reference_models faces`: which expression? Glimpses at faces of people never seen before."""

import argparse
import json
from pathlib import Path
from typing import Any

MODELS = ("fast-weights", "irnn", "lstm", "convnet")


def add_to(commands: Any) -> None:
    """Add the command to the parser of all."""
    from reference_models.cli.options import natural, positive

    own = commands.add_parser(
        "faces", help="facial expressions, glimpse by glimpse: fast weights, IRNN, LSTM, ConvNet",
        description="Learn six expressions from 24 glimpses at each face, test on people never seen before, draw. "
                    "Without --data the people are made up on the spot.")
    own.set_defaults(run=run)
    own.add_argument("--data", metavar="DIR", help="folder of Multi-PIE, cropped to 48 x 48; default: made-up faces")
    own.add_argument("--model", nargs="+", choices=MODELS, default=["fast-weights"], dest="models", metavar="MODEL",
                     help=f"one or several of {', '.join(MODELS)}; default fast-weights")
    own.add_argument("--units", type=positive(int), nargs="+", default=[200], metavar="R",
                     help="of the recurrent layer, one or several; default 200")
    own.add_argument("--seed", type=natural, default=0, metavar="S", help="the first one; default 0")
    own.add_argument("--seeds", type=positive(int), default=1, metavar="N", help="how many, from --seed on; default 1")
    own.add_argument("--people", type=positive(int), metavar="N", help="made up to learn from; default 300")
    own.add_argument("--test-people", type=positive(int), metavar="N",
                     help="kept for the test; default 100 of those made up, 20 of Multi-PIE")
    own.add_argument("--updates", type=positive(int), metavar="N", help="default 3000")
    own.add_argument("--batch", type=positive(int), metavar="B", help="default 64")
    own.add_argument("--rate", type=positive(float), metavar="R", help="of Adam; default 1e-3")
    own.add_argument("--fast-rate", type=float, metavar="E", help="eta of the fast weights; default min(0.5, 10/R)")
    own.add_argument("--decay", type=float, metavar="L", help="lambda of the fast weights; default 0.95")
    own.add_argument("--steps", type=natural, metavar="S", help="of the inner loop of the fast weights; default 1")
    own.add_argument("--out", type=Path, metavar="DIR", help="default: runs/faces-1, or the next free number")
    own.add_argument("--resume", action="store_true",
                     help="go on with the run in --out (default: the latest one); more models and seeds may be added, "
                          "and --updates be given anew for these")
    own.add_argument("--json", action="store_true", help="print one JSON object and nothing else on stdout")


def run(options: argparse.Namespace) -> None:
    """Train or resume, measure, and write down."""
    from reference_models.cli import grid, output
    from reference_models.cli.faces import job, report

    folder = options.out or (output.latest_folder("faces", grid.SETTINGS) if options.resume
                             else output.new_folder("faces"))
    asked = {name: getattr(options, name) for name in job.DEFAULTS}
    settings = grid.settled(folder, asked, job.DEFAULTS, resume=options.resume)
    legs = [grid.Leg(model, units, seed) for units in sorted(set(options.units))
            for seed in range(options.seed, options.seed + options.seeds) for model in dict.fromkeys(options.models)]
    task = job.FaceTask(settings)
    for leg in legs:  # a wrong setting is to be heard of before the work
        task.schedule(leg), task.choices(leg)
    with output.writable(folder):
        grid.run(task, legs, folder, settings)
        facts = report.write(task, folder)
    if options.json:
        print(json.dumps(facts))
    else:
        report.show(facts)
