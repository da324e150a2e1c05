"""Keep what a long run came to: its figures as `bench/results/NAME.json`, its plots as `bench/figures/NAME-*.png`."""

import argparse
import json
import shutil
from pathlib import Path

HERE = Path(__file__).parent
FORGOTTEN = ("out",)  # facts about the machine that it ran on


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m bench record`."""
    parser.add_argument("run", type=Path, help="folder of the run, with its results.json")
    parser.add_argument("name", help="under which it is kept")
    parser.add_argument("--command", dest="made_by", required=True, help="that made it, with DIR for folders")
    parser.add_argument("--commit", required=True, help="of the code that made it")
    parser.add_argument("--figures", nargs="*", default=["curve"], metavar="NAME",
                        help="plots of the run to keep (default: curve)")
    parser.add_argument("--into", type=Path, default=HERE, help=argparse.SUPPRESS)


def main(options: argparse.Namespace) -> int:
    """Copy. Raises ValueError or OSError with a sentence, and then nothing is kept."""
    source = options.run / "results.json"
    try:
        facts = json.loads(source.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{source} is not JSON: {error}") from error
    plots = {name: options.run / f"{name}.png" for name in options.figures}
    for plot in plots.values():
        if not plot.is_file():
            raise FileNotFoundError(f"there is no {plot}; choose with --figures")

    settings = facts.get("settings")
    if isinstance(settings, dict) and isinstance(settings.get("data"), str):  # where it lay is of no interest
        settings["data"] = Path(settings["data"]).name
    kept = {"command": options.made_by, "commit": options.commit,
            **{name: value for name, value in facts.items() if name not in FORGOTTEN}}
    results, figures = options.into / "results", options.into / "figures"
    results.mkdir(exist_ok=True)
    figures.mkdir(exist_ok=True)
    (results / f"{options.name}.json").write_text(json.dumps(kept, indent=1) + "\n")
    for name, plot in plots.items():
        shutil.copyfile(plot, figures / f"{options.name}-{name}.png")
    print(results / f"{options.name}.json")
    return 0
