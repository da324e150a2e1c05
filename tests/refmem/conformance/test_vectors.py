"""The vectors: whole, agreed on, refused when damaged, and passed by refmem and by the loop oracle."""

import json
import shutil

import numpy as np
import pytest

from refmem.conformance.case import FOLDER, find, load, load_all, paths, same, save
from refmem.conformance.groups import groups
from refmem.conformance.making.independence import code_of, independent
from refmem.conformance.oracles.adapter import LoopAdapter
from refmem.conformance.oracles.loops import taped_softmax
from refmem.conformance.reference import Reference
from refmem.conformance.runner import conform
from refmem.conformance.second_oracle import SecondOracle
from refmem.storage import FileRefused

CASES = load_all()
SCHEMAS = FOLDER.parents[1] / "schema"


@pytest.mark.parametrize("implementation", [Reference(), LoopAdapter()], ids=["refmem", "loops"])
def test_both_sides_pass(implementation):
    run = conform(implementation, CASES)
    assert [(r.case.id, r.reason) for r in run.results if r.verdict != "PASS"] == []


def test_each_vector_has_two_independent_oracles():
    agreed = {(tuple(oracle["name"] for oracle in case.oracles), case.group, case.profile) for case in CASES}
    for names, group, profile in agreed:
        assert independent(names, group, profile), (names, group, profile)
    for case in CASES:
        names = {oracle["name"] for oracle in case.oracles}
        assert {"loops-50-digits", "refmem"} <= names, case.id
        if case.group == "memory":
            assert {"arrays-long-double", "arrays"} <= names, case.id
        if case.level == "L2" and "Kink" not in case.flags:
            assert "differences-50-digits" in names, case.id


def test_oracles_that_share_code_do_not_count():
    assert not independent(["loops-50-digits", "loops", "differences-50-digits", "refmem"], "memory", "paper")
    assert not independent(["loops", "refmem"], "conv2d", None)
    assert not independent(["arrays", "complex-step"], "memory", "tf2017")
    assert independent(["loops", "torch-autograd"], "conv2d", None)

    def leaning(torch, x):
        return taped_softmax(x)

    leaning.__module__ = "refmem.conformance.elsewhere"
    assert code_of(leaning) & code_of(groups()["softmax"].oracle)


def test_the_second_oracle_passes_in_every_dtype():
    cases = [case for case in CASES if case.group == "memory"]
    for dtype in ("longdouble", "float64"):
        run = conform(SecondOracle(dtype), [case for case in cases if case.dtype == "float64"])
        assert [(r.case.id, r.reason) for r in run.results if r.verdict != "PASS"] == []


def test_what_is_counted_is_exact_and_what_is_computed_is_near():
    for case in CASES:
        for e in case.expect:
            kind = case.expected[0][e.name].dtype.kind
            assert (e.tolerance == 0) or kind == "f", (case.id, e.name)
            slope = e.name.startswith("d_")  # near a zero query slopes reach 1e6
            assert e.tolerance < {"float64": 1e-8, "float32": 1e-2}[case.dtype] or slope, (case.id, e.name)


def test_the_trajectories_are_long_and_evict():
    lives = [case for case in CASES if case.level == "L4"]
    assert {case.profile for case in lives} >= {"paper", "tf2017"}
    assert all(len(case.steps) >= 50 for case in lives)
    for case in [case for case in lives if case.group == "memory"]:
        values = [step["state.values"] for step in case.expected[10:]]  # the memory is full by then
        evictions = sum(int((a != b).sum()) for a, b in zip(values, values[1:], strict=False))
        assert evictions >= 5, case.id


def test_files_fit_the_schema():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((SCHEMAS / "vector.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    for path in paths():
        validator.validate(json.loads(path.read_text()))


def test_saving_again_gives_the_same_text_and_arrays(tmp_path):
    for case in CASES[::20]:
        path, again = save(case, tmp_path / "one"), save(case, tmp_path / "two")
        assert same(path, FOLDER / f"{case.id}.json")
        for suffix in (".json", ".npz"):
            assert path.with_suffix(suffix).read_bytes() == again.with_suffix(suffix).read_bytes()


def test_another_text_or_array_or_none_is_not_the_same(tmp_path):
    source = FOLDER / "linear" / "forward.float64.json"
    path = tmp_path / source.name

    def fresh():
        for suffix in (".json", ".npz"):
            shutil.copy(source.with_suffix(suffix), path.with_suffix(suffix))
        assert same(path, source)

    fresh()
    path.write_bytes(path.read_bytes() + b" ")
    assert not same(path, source)
    fresh()
    with np.load(path.with_suffix(".npz")) as arrays:
        named = dict(arrays)
    name = next(iter(named))
    named[name] = np.nextafter(named[name], np.inf)
    np.savez(path.with_suffix(".npz"), **named)
    assert not same(path, source)
    path.with_suffix(".npz").write_bytes(b"no zip")
    assert not same(path, source)
    path.with_suffix(".npz").unlink()
    assert not same(path, source) and not same(source, path)


@pytest.mark.parametrize("damage", ["array", "cut", "schema", "rubbish", "missing"])
def test_a_damaged_file_is_refused(tmp_path, damage):
    source = FOLDER / "linear" / "forward.float64.json"
    path = tmp_path / source.name
    for suffix in (".json", ".npz"):
        shutil.copy(source.with_suffix(suffix), path.with_suffix(suffix))
    stored = path.with_suffix(".npz").read_bytes()
    if damage == "array":
        flipped = bytearray(stored)
        flipped[400] ^= 1
        path.with_suffix(".npz").write_bytes(flipped)
    elif damage == "cut":
        path.with_suffix(".npz").write_bytes(stored[:300])
    elif damage == "schema":
        path.write_text(path.read_text().replace("refmem-vector-1", "refmem-vector-9"))
    elif damage == "rubbish":
        path.write_text("[]")
    else:
        manifest = json.loads(path.read_text())
        del manifest["expect"]
        path.write_text(json.dumps(manifest))
    with pytest.raises(FileRefused):
        load(path)


def test_an_unknown_id_is_answered_with_near_ones():
    with pytest.raises(ValueError, match="linear/forward.float64"):
        find("linear/forward.float46")


def test_all_vectors_are_small():
    assert sum(path.stat().st_size + path.with_suffix(".npz").stat().st_size for path in paths()) < 3_000_000
