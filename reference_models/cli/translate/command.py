"""`python -m reference_models translate`: train a translator with a memory, and see what it gains from a context."""

import argparse
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reference_models.cli.translate.job import Settings

GRAMMAR_UPDATES, TEXT_UPDATES = 1500, 8000
GRAMMAR_SUBWORDS, TEXT_SUBWORDS = 500, 3000
SHARDS = 2
QUERIES = ("context", "top", "both")


def add_to(commands: Any) -> None:
    """Add the command to the parser of all."""
    from reference_models.cli import options
    from reference_models.cli.options import natural, positive

    own = commands.add_parser(
        "translate", help="translation that learns a word from one example: train, show contexts, measure",
        description="Train an LSTM encoder-decoder with attention and a memory on sentence pairs, then show it "
                    "sentences without training and measure what it gains. Without --data, a small English and "
                    "German with rare names is made up on the spot.")
    own.set_defaults(run=run)
    own.add_argument("--data", metavar="DIR", help="folder of Multi30k (see `fetch multi30k`) or of files named alike: "
                                                   "train.en, train.de, val.en, ...; default: made-up sentences")
    own.add_argument("--source", metavar="LANGUAGE", help="ending of the files to translate from; default en")
    own.add_argument("--target", metavar="LANGUAGE", help="ending of the files to translate into; default de")
    own.add_argument("--tests", nargs="+", metavar="SPLIT", help="splits to measure on; default test_2016_flickr")
    own.add_argument("--tokens", choices=("subwords", "words"),
                     help="of the vocabularies; default subwords (extra translate), words for made-up sentences")
    own.add_argument("--vocabulary", type=positive(int), metavar="N",
                     help=f"tokens of each; default {TEXT_SUBWORDS} subwords, {GRAMMAR_SUBWORDS} for made-up "
                          "sentences, or all words")
    own.add_argument("--longest", type=positive(int), metavar="N", help="tokens a sentence may have; default 80")
    own.add_argument("--no-memory", action="store_true", default=None,
                     help="train the same network on the same batches without a memory")
    own.add_argument("--query", choices=QUERIES, help="what the memory is asked with: the attention's context, "
                                                      "the top of the decoder, or both (default)")
    own.add_argument("--memory-size", type=positive(int), metavar="M", help="slots")
    own.add_argument("--trunk", type=Path, metavar="DIR",
                     help="begin with what the run in DIR had learnt before its memory joined (trunk.npz)")
    own.add_argument("--updates", type=positive(int), metavar="N",
                     help=f"of the weights, in whole rounds; default {GRAMMAR_UPDATES}, with --data {TEXT_UPDATES}")
    own.add_argument("--seed", type=natural, metavar="S", help="default 0")
    own.add_argument("--shards", type=positive(int), metavar="N",
                     help=f"parts of a batch that are worked on side by side; default {SHARDS}, or as the run began")
    own.add_argument("--beam", type=positive(int), default=5, metavar="N", help="translations kept; default 5")
    own.add_argument("--length-penalty", type=float, default=0.6, metavar="A",
                     help="score / ((5 + length) / 6)^A; default 0.6")
    own.add_argument("--against", type=Path, metavar="DIR",
                     help="also say by how much BLEU is higher than in the finished run in DIR, with an interval")
    own.add_argument("--no-measure", action="store_true", help="only train; --resume measures later")
    options.add_folder(own, "translate", goes_on=" as it was started; --updates may be given anew")


def run(options: argparse.Namespace) -> None:
    """Train or resume, measure, and write down."""
    from reference_models.cli import output
    from reference_models.cli.translate import job, report

    if not options.length_penalty >= 0:
        raise ValueError(f"--length-penalty must be at least 0, got {options.length_penalty}")
    if options.against is not None and not (options.against / "translations.txt").is_file():
        raise FileNotFoundError(f"{options.against} holds no finished run: it has no translations.txt")
    folder = output.run_folder("translate", output.CHECKPOINT, options.out, resume=options.resume)
    saved = job.saved_run(folder) if options.resume else None
    settings = _settings(options, saved.settings if saved else None)
    if settings.data is not None:
        job.check_extras(settings)
    shards = options.shards or (saved.settings.get("shards", SHARDS) if saved else SHARDS)
    with output.writable(folder):
        output.say(f"output goes to {folder}")
        results = job.everything(
            settings, saved, folder, trunk=options.trunk, shards=shards, beam=options.beam,
            length_penalty=options.length_penalty, measure=not options.no_measure, against=options.against)
        output.write_json(folder / "results.json", results.facts)
    if options.json:
        print(json.dumps(results.facts))
    else:
        report.show(results)


def _settings(options: argparse.Namespace, saved: dict[str, Any] | None) -> "Settings":
    """What was asked for; on a resume, what was saved: it may be repeated, and only the updates may be given anew."""
    from reference_models.cli import output
    from reference_models.cli.translate.job import Settings
    from reference_models.tasks.translation import LONGEST
    from reference_models.tasks.translation.parallel_text import TEST

    asked: dict[str, Any] = {
        "data": options.data, "source": options.source, "target": options.target, "tokens": options.tokens,
        "vocabulary": options.vocabulary, "longest": options.longest, "query": options.query,
        "memory_size": options.memory_size, "seed": options.seed,
        "memory": None if options.no_memory is None else False}
    if saved is None:
        made_up = options.data is None
        if made_up and (options.source or options.target or options.tests):
            raise ValueError("--source, --target and --tests choose among the files of --data, which was not given")
        if options.no_memory and (options.query or options.memory_size):
            raise ValueError("--query and --memory-size are about the memory, which --no-memory leaves out")
        tokens = options.tokens or ("words" if made_up else "subwords")
        standard = {"source": "en", "target": "de", "tokens": tokens, "longest": LONGEST, "seed": 0, "memory": True,
                    "vocabulary": None if tokens == "words" else GRAMMAR_SUBWORDS if made_up else TEXT_SUBWORDS}
        given: dict[str, Any] = {name: standard.get(name) if value is None else value for name, value in asked.items()}
        return Settings(**given, tests=tuple(options.tests or [TEST]),
                        updates=options.updates or (GRAMMAR_UPDATES if made_up else TEXT_UPDATES))

    before = Settings.from_facts(saved)
    if options.trunk is not None:
        raise ValueError("--trunk is where a new run begins; a run that is resumed goes on where it stopped")
    if options.tests and (options.data or before.data) is None:
        raise ValueError("--tests chooses among the files of --data, and the run has made-up sentences")
    output.check_unchanged(asked, vars(before), but=["data"])
    return dataclasses.replace(before, data=options.data or before.data, updates=options.updates or before.updates,
                               tests=tuple(options.tests or before.tests))
