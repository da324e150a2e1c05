"""`python -m reference_models omniglot`: learn to recognise characters from one drawing; measure it on unseen ones."""

import argparse
import dataclasses
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reference_models.cli.omniglot.job import Settings

OMNIGLOT_MINUTES = 20.0
GLYPH_EPISODES = 150  # two minutes of two cores; a number of episodes, so that a busy machine learns as much


def add_to(commands: Any) -> None:
    """Add the command to the parser of all."""
    from reference_models.cli import options
    from reference_models.cli.options import SEARCHES, natural, positive

    own = commands.add_parser(
        "omniglot", help="one-shot learning of characters: train, measure on unseen ones, draw",
        description="Train the CNN with its memory on characters, then measure how often it recognises characters "
                    "that it has never seen, after one to ten drawings of each. Without --data they are made "
                    "up on the spot.")
    own.set_defaults(run=run)
    own.add_argument("--data", metavar="DIR", help="folder of Omniglot (see `fetch omniglot`); default: made-up glyphs")
    own.add_argument("--split", choices=("background", "paper"),
                     help="of Omniglot: 964 characters to learn from, 659 unseen (default), or the paper's 1200, 423")
    own.add_argument("--rotate-test", action="store_true", default=None,
                     help="count turned characters as further classes in the evaluation too")
    own.add_argument("--profile", choices=("paper", "tf2017"),
                     help="the memory as the paper says (default), or as the released code has it, with its recipe")
    own.add_argument("--size", choices=("recipe", "paper", "released"),
                     help="of the network: half the paper's widths (default), the paper's, or the released code's "
                          "(default with --profile tf2017)")
    budget = own.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=positive(float), metavar="M",
                        help=f"of training; default with --data {OMNIGLOT_MINUTES:g}")
    budget.add_argument("--episodes", type=positive(int), metavar="N",
                        help=f"train on N episode batches instead; default without --data {GLYPH_EPISODES}")
    own.add_argument("--goal", type=positive(float), metavar="A",
                     help="stop earlier, once the accuracy at the second presentation (0 to 1, on training classes, "
                          "mean of 20 episode batches) reaches A")
    own.add_argument("--ways", type=positive(int), nargs="+", default=[5, 20], metavar="N",
                     help="classes in an evaluation episode; default 5 20")
    own.add_argument("--shots", type=positive(int), metavar="K",
                     help="measure up to K shots; default 10, or as many as there are drawings for")
    own.add_argument("--test-episodes", type=positive(int), default=1000, metavar="E",
                     help="for each of --ways; default 1000")
    own.add_argument("--protocol", choices=("online", "rounds"), default="online",
                     help="of the evaluation: one drawing at a time (default), or a presentation round at once, which "
                          "is a little easier")
    own.add_argument("--life-long", action="store_true",
                     help="also fill a memory that is never cleared, and ask again 10 to 50,000 steps later "
                          "(ten minutes more)")
    own.add_argument("--seed", type=natural, metavar="S", help="default 0")
    own.add_argument("--search", choices=SEARCHES, default="exact",
                     help=f"how the memory of --life-long finds neighbours: {', '.join(SEARCHES)}; default exact")
    options.add_folder(own, "omniglot", goes_on=options.AS_STARTED)


def run(options: argparse.Namespace) -> None:
    """Train or resume, measure, and write down."""
    from reference_models.cli import output
    from reference_models.cli.omniglot import job, report

    if options.search != "exact" and not options.life_long:
        raise ValueError("--search is about the memory of --life-long, which was not asked for")
    folder = output.run_folder("omniglot", output.CHECKPOINT, options.out, resume=options.resume)
    saved = job.saved_run(folder) if options.resume else None
    settings = _settings(options, saved.settings if saved else None)
    with output.writable(folder):
        output.say(f"output goes to {folder}")
        results = job.everything(settings, saved, folder, ways=sorted(set(options.ways)), shots=options.shots,
                                 test_episodes=options.test_episodes, protocol=options.protocol,
                                 long_life=options.life_long, search=options.search)
        output.write_json(folder / "results.json", results.facts)
    if options.json:
        print(json.dumps(results.facts))
    else:
        report.show(results)


def _settings(options: argparse.Namespace, saved: dict[str, Any] | None) -> "Settings":
    """What was asked for; on a resume, what was saved: it may be repeated, and only the budget may be given anew."""
    from reference_models.cli import output
    from reference_models.cli.omniglot.job import Settings

    asked = {"data": options.data, "split": options.split, "rotate_test": options.rotate_test,
             "profile": options.profile, "size": options.size, "seed": options.seed}
    budget = {"minutes": options.minutes, "episodes": options.episodes}
    if saved is None:
        if options.data is None and options.split is not None:
            raise ValueError("--split chooses among Omniglot's characters and needs --data")
        if not any(budget.values()):
            budget |= {"episodes": GLYPH_EPISODES} if options.data is None else {"minutes": OMNIGLOT_MINUTES}
        profile = options.profile or "paper"
        size = options.size or {"paper": "recipe", "tf2017": "released"}[profile]
        return Settings(data=options.data, split=options.split or "background",
                        rotate_test=bool(options.rotate_test), profile=profile, size=size, seed=options.seed or 0,
                        goal=options.goal, **budget)

    before = Settings(**{field.name: saved[field.name] for field in dataclasses.fields(Settings)})
    output.check_unchanged(asked, vars(before), but=["data"])
    after = dataclasses.replace(before, goal=options.goal or before.goal, data=options.data or before.data)
    return dataclasses.replace(after, **budget) if any(budget.values()) else after
