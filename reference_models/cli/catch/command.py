"""`python -m reference_models catch`: where was the ball before the screen went blank? Fast weights and rivals."""

import argparse
import json
from typing import Any

MODELS = ("fast-weights", "lstm", "irnn")


def add_to(commands: Any) -> None:
    """Add the command to the parser of all."""
    from reference_models.cli import options
    from reference_models.cli.options import natural, positive

    own = commands.add_parser(
        "catch", help="the game of Catch with a memory: fast weights, LSTM, ReLU RNN, by actor-critic",
        description="Learn to catch a ball on a screen that goes blank after a few frames: play, learn from it, count "
                    "the frames until nine balls of ten are caught, draw. Without options: fast weights on a screen of "
                    "16 x 16 with 3 frames to see, in less than a minute.")
    own.set_defaults(run=run)
    own.add_argument("--model", nargs="+", choices=MODELS, default=["fast-weights"], dest="models", metavar="MODEL",
                     help=f"one or several of {', '.join(MODELS)}; default fast-weights")
    own.add_argument("--screen", nargs="+", default=["16x3"], dest="screens", metavar="NxM",
                     help="N x N pixels and N frames, of which M show something, one or several; default 16x3, and FW "
                          "plays 24x5 too")
    own.add_argument("--seed", type=natural, default=0, metavar="S", help="the first one; default 0")
    own.add_argument("--seeds", type=positive(int), default=1, metavar="N", help="how many, from --seed on; default 1")
    budget = own.add_mutually_exclusive_group()
    budget.add_argument("--updates", type=positive(int), metavar="N",
                        help="at most so many for each network; default 3000")
    budget.add_argument("--minutes", type=positive(float), metavar="M", help="at most so long for each network instead")
    own.add_argument("--goal", type=positive(float), metavar="A",
                     help="stop once this share of the balls is caught (of the last 1,280); default 0.9")
    own.add_argument("--games", type=positive(int), metavar="B", help="played at once; default 16")
    own.add_argument("--rate", type=positive(float), metavar="R", help="of Adam; default: as the recipe of the model")
    own.add_argument("--entropy", type=float, metavar="W", help="weight of the entropy bonus; default 0.01")
    own.add_argument("--returns", type=positive(int), metavar="N", help="steps of the returns; default: to the end")
    own.add_argument("--steps", type=natural, metavar="S", help="of the inner loop of the fast weights; default 1")
    own.add_argument("--fast-rate", type=float, metavar="E", help="eta of the fast weights; default 1")
    own.add_argument("--decay", type=float, metavar="L", help="lambda of the fast weights; default 0.95")
    own.add_argument("--paddle-start", choices=("middle", "random"), help="default middle")
    own.add_argument("--wall", choices=("stop", "wrap"), help="what the paddle does there; default stop")
    own.add_argument("--blank", choices=("screen", "ball"), help="what goes blank; default screen")
    options.add_folder(own, "catch", goes_on="; more models, screens and seeds may be added, and the budget given anew")


def run(options: argparse.Namespace) -> None:
    """Play and learn, or go on, measure, and write down."""
    from reference_models.cli import output
    from reference_models.cli.catch import job, report
    from reference_models.cli.grid.experiment import SETTINGS

    folder = output.run_folder("catch", SETTINGS, options.out, resume=options.resume)
    asked = {name: getattr(options, name) for name in job.DEFAULTS}
    settings = job.settled(folder, asked, resume=options.resume)
    legs = [job.Leg(model, screen, seed) for screen in dict.fromkeys(options.screens)
            for seed in range(options.seed, options.seed + options.seeds) for model in dict.fromkeys(options.models)]
    for leg in legs:  # a wrong setting is to be heard of before the work
        job.build(leg, settings)
    with output.writable(folder):
        job.everything(legs, folder, settings)
        facts = report.write(folder, settings)
    if options.json:
        print(json.dumps(facts))
    else:
        report.show(facts)
