"""Training the translator: a memory joins without a jolt, batches are the same without it, resumed bit for bit."""

import dataclasses

import numpy as np
import pytest

from refmem.storage import FileRefused
from reference_models.seq2seq.query import Query
from reference_models.tasks.translation import bilingual
from reference_models.tasks.translation import Vocabularies, batch
from reference_models.tasks.translation.vocabulary import Words
from reference_models.training import checkpoint, translating
from reference_models.training.translating import Recipe, TranslationTraining

TEXT = bilingual.load(train=60, validation=10, rare=8)
BOTH = Vocabularies(Words.learn(TEXT.train.source), Words.learn(TEXT.train.target))
TRAIN, VALIDATION = BOTH.encode(TEXT.train), BOTH.encode(TEXT.validation)
SIZES = (len(BOTH.source), len(BOTH.target))
TINY = Recipe(width=8, attention=6, tokens=90, updates=4, warm_up=3, memory_size=256, memory_from=0.5, recent=3,
              query=Query("both", 8, True), search="exact")


def run(recipe=TINY, seed=3):
    return TranslationTraining(recipe, TRAIN, SIZES, seed=seed)


def arrays(run):
    saved = run.snapshot({})
    groups = {"params": saved.params, "first": saved.adam.first, "second": saved.adam.second, **saved.extras}
    return {f"{group}/{name}": array.copy() for group, named in groups.items() for name, array in named.items()}


@pytest.mark.parametrize("stop", [1, 3])
def test_a_resumed_run_takes_the_same_steps_before_and_after_the_memory_joins(stop, tmp_path):
    moments = [0.0, 0.25, 0.5, 0.75]
    whole, part = run(), run()
    for spent in moments:
        whole.advance(spent)
    for spent in moments[:stop]:
        part.advance(spent)
    checkpoint.save(tmp_path / "c.npz", part.snapshot({}))
    resumed = run(seed=3)
    resumed.resume(checkpoint.load(tmp_path / "c.npz", translating.TASK))
    for spent in moments[stop:]:
        resumed.advance(spent)
    ours, wanted = arrays(resumed), arrays(whole)
    assert ours.keys() == wanted.keys() and "memory/state.keys" in ours
    for name in ours:
        np.testing.assert_array_equal(ours[name], wanted[name], err_msg=name)
    assert (resumed.epoch, resumed.place) == (whole.epoch, whole.place)
    assert resumed.rng.bit_generator.state == whole.rng.bit_generator.state


def test_the_memory_joins_without_changing_what_the_trunk_says():
    some = run()
    some.advance(0.0)
    before, moments = some.validate(VALIDATION), {name: m.copy() for name, m in some.adam.first.items()}
    called = []
    some.before_memory = lambda: called.append(some.model.memory is None)
    some.before_memory()
    some.join_memory()
    assert called == [True] and some.model.memory is not None
    assert some.validate(VALIDATION) == pytest.approx(before, rel=1e-5)
    for name, mean in moments.items():
        np.testing.assert_array_equal(some.adam.first[name][:len(mean)], mean)
    figures = some.advance(0.6)
    assert {"hits", "confidence", "memory_loss"} <= figures.keys()
    assert np.abs(some.model.params["combine.weights"][8:]).max() > 0


def test_with_and_without_a_memory_the_batches_are_the_same():
    seen = []
    for recipe in (TINY, dataclasses.replace(TINY, memory_size=0)):
        some, rows = run(recipe), []
        forward = type(some.model).forward

        def spy(model, source, target, *, rows=rows, forward=forward, **options):
            if options.get("training"):
                rows.append(options["sources"].tolist())
            return forward(model, source, target, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(translating.Seq2Seq, "forward", spy)
            for spent in (0.0, 0.5, 0.75, 0.9):
                some.advance(spent)
        seen.append(rows)
    assert seen[0] == seen[1] and len(seen[0]) == 16
    later = [tuple(rows) for rows in seen[0][4:]]
    assert len(set(later)) < len(later)  # some came again


@pytest.mark.parametrize("alone", [0.0, 0.5, 1.0])
def test_a_share_of_the_updates_does_without_the_answers_and_teaches_the_memory_all_the_same(alone):
    some = run(dataclasses.replace(TINY, memory_from=0.0, alone=alone, updates=40))
    some.before_memory()
    some.join_memory()
    heard, forward = [], type(some.model).forward

    def spy(model, source, target, **options):
        before = model.memory.state.ages.copy()
        output = forward(model, source, target, **options)
        heard.append(options["read"])
        assert (model.memory.state.ages != before).any()
        return output

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(translating.Seq2Seq, "forward", spy)
        some.advance(0.5)
    assert len(heard) == 40
    assert np.mean(heard) == pytest.approx(1 - alone, abs=0.0 if alone in (0, 1) else 0.25)


def test_a_sentence_that_comes_again_is_found_in_the_memory():
    some = run(dataclasses.replace(TINY, memory_from=0.0))
    pairs = batch(TRAIN, range(8))
    some.model.show(pairs.source, pairs.target, sources=pairs.rows)
    output, _ = some.model.forward(pairs.source, pairs.target, update=False)
    labels = pairs.target[output.sentence, output.step]
    assert (output.memory.values == labels).mean() > 0.9
    figures = some.advance(0.1)
    assert figures["images"] > 0


def test_recipes_come_back():
    assert Recipe.from_facts(TINY.as_facts()) == TINY


def test_another_network_or_other_vocabularies_are_refused(tmp_path):
    checkpoint.save(tmp_path / "c.npz", run().snapshot({}))
    saved = checkpoint.load(tmp_path / "c.npz", translating.TASK)
    with pytest.raises(FileRefused, match="another network"):
        run(dataclasses.replace(TINY, width=6)).resume(saved)
    with pytest.raises(FileRefused, match="vocabularies"):
        TranslationTraining(TINY, TRAIN, (SIZES[0], SIZES[1] + 1), seed=0).resume(saved)
