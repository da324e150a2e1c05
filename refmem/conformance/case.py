"""A vector: the inputs of one case, what must come out, how near, and who says so.

On disk a case is two files, `GROUP/NAME.json` (everything but numbers) and `GROUP/NAME.npz` (the arrays, with their
digests in the `.json`). The arrays of all steps are stacked: `input/queries` is [T, B, d], `expect/values` [T, B].
"""

import difflib
import json
import os
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from refmem.storage import FileRefused, digest, replacing

SCHEMA = "refmem-vector-1"
FOLDER = Path(__file__).parent / "vectors" / "v1"
LEVELS = {"L1": "forward", "L2": "gradients", "L3": "one update", "L4": "trajectory"}

STAGES = ("query", "read", "loss", "update")
"""The second word of a rule of the memory, in the order of the computation."""

HostArray = npt.NDArray[Any]


class Inputs(dict[str, Any]):
    """Arrays by name; `inputs.labels` is None where the case has no labels.

    A memory has keys and values: where there are arrays of these names, `state.keys` is the array.
    """

    def __getattribute__(self, name: str) -> Any:
        if name in ("keys", "values") and name in self:
            return self[name]
        return super().__getattribute__(name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name)


@dataclass(frozen=True)
class Expect:
    """One output and how near it must come."""

    name: str
    tolerance: float
    """Largest absolute difference; 0 is exact. Derived from the two below, see `making/tolerance.py`."""
    optional: bool = False
    """An intermediate of the paper: compared where the implementation gives it."""
    bound: float = 0.0
    """How far rounding can move it, to first order and at worst."""
    spread: float = 0.0
    """How far runs of the same equations in the same dtype lay apart that added up in other orders."""


@dataclass(frozen=True)
class Task:
    """What an implementation gets to see of a case."""

    id: str
    group: str
    profile: str | None
    dtype: str
    config: dict[str, Any]
    state: Inputs | None  # None: start from an empty memory
    params: Inputs
    steps: list[Inputs]

    @property
    def start(self) -> Inputs:
        """The state that a memory has at first: that of the case, or that of an empty memory."""
        if self.state is not None or self.group != "memory":
            return self.state or Inputs()
        m, dtype = self.config["memory_size"], np.dtype(self.dtype)
        empty = Inputs(keys=np.zeros((m, self.config["key_dim"]), dtype), ages=np.zeros(m, np.int64),
                       values=np.full(m, -1 if self.profile == "paper" else 0), sources=np.full(m, -1))
        if self.config.get("recent_hint"):
            empty["recent"] = np.zeros(self.config["vocab_size"], np.int64)
        return empty


@dataclass(frozen=True)
class Case(Task):
    """A task with its answer."""

    level: str
    rules: tuple[str, ...]  # the first is the one that the case is about
    title: str
    expect: tuple[Expect, ...]  # in the order in which an implementation computes them
    expected: list[Inputs]  # a step each
    flags: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    since: str = "0.1.0"
    oracles: tuple[dict[str, Any], ...] = ()
    path: Path | None = field(default=None, compare=False)

    @property
    def rule(self) -> str:
        """The rule that the case is about."""
        return self.rules[0]

    def with_tolerances(self, scale: float) -> "Case":
        """The same case, with all tolerances multiplied."""
        if scale == 1.0:
            return self
        return replace(self, expect=tuple(replace(e, tolerance=e.tolerance * scale) for e in self.expect))


# --- Files ------------------------------------------------------------------------------------------------------


def arrays_of(case: Case) -> dict[str, HostArray]:
    """All arrays of a case, by the names they have in its file."""
    arrays: dict[str, HostArray] = {}
    if case.state is not None:
        arrays |= {f"state/{name}": array for name, array in case.state.items()}
    arrays |= {f"params/{name}": array for name, array in case.params.items()}
    for prefix, steps in (("input", case.steps), ("expect", case.expected)):
        arrays |= {f"{prefix}/{name}": np.stack([step[name] for step in steps]) for name in steps[0]}
    return arrays


def save(case: Case, folder: str | os.PathLike[str]) -> Path:
    """Write both files below `folder` and return the path of the `.json`. The same case gives the same files, to the
    byte, in one version of Python; in another, headers of the `.npz` may differ.
    """
    path = Path(folder) / f"{case.id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = arrays_of(case)
    with replacing(path.with_suffix(".npz")) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    manifest = {
        "schema": SCHEMA, "id": case.id, "since": case.since, "group": case.group, "profile": case.profile,
        "level": case.level, "dtype": case.dtype, "title": case.title, "rules": list(case.rules),
        "flags": list(case.flags), "needs": list(case.needs), "config": case.config, "steps": len(case.steps),
        "starts_empty": case.state is None,
        "expect": [vars(e) for e in case.expect],
        "oracles": list(case.oracles),
        "arrays": {name: {"dtype": a.dtype.name, "shape": list(a.shape), "sha256": digest(a)}
                   for name, a in arrays.items()},
    }
    with replacing(path) as file:
        file.write((json.dumps(manifest, indent=1) + "\n").encode())
    return path


def same(path: Path, other: Path) -> bool:
    """Whether two vectors, each given by its `.json`, have the same text and arrays."""
    try:
        return path.read_bytes() == other.read_bytes() and _members(path) == _members(other)
    except (FileNotFoundError, zipfile.BadZipFile):
        return False


def _members(path: Path) -> list[tuple[str, bytes]]:
    """The names and contents of the arrays beside a `.json`."""
    with zipfile.ZipFile(path.with_suffix(".npz")) as arrays:
        return [(name, arrays.read(name)) for name in arrays.namelist()]


def load(path: str | os.PathLike[str]) -> Case:
    """Read what `save` wrote.

    Raises
    ------
    FileNotFoundError
        If one of the two files is missing.
    FileRefused
        If it is no vector, of another schema, or its arrays are not those that were saved.
    """
    path = Path(path)
    try:
        manifest = json.loads(path.read_text())
        found = manifest.get("schema")
    except (ValueError, AttributeError) as error:
        raise FileRefused(f"{path} is not a vector of refmem ({error})") from error
    if found != SCHEMA:
        raise FileRefused(f"{path} is not a vector that this refmem reads: its schema is {found!r}, not {SCHEMA!r}")
    try:
        return _assemble(path, manifest, _checked_arrays(path, manifest))
    except (FileNotFoundError, FileRefused):
        raise
    except Exception as error:  # a manifest may say anything
        raise FileRefused(f"{path} is not a whole vector ({type(error).__name__}: {error})") from error


def _checked_arrays(path: Path, manifest: dict[str, Any]) -> dict[str, HostArray]:
    beside = path.with_suffix(".npz")
    try:
        with np.load(beside, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged zip can raise almost anything
        raise FileRefused(f"{beside} is damaged ({error})") from error
    digests = {name: facts["sha256"] for name, facts in manifest.get("arrays", {}).items()}
    if digests != {name: digest(array) for name, array in arrays.items()}:
        raise FileRefused(f"{beside} is damaged: its arrays are not those that {path.name} describes")
    return arrays


def _assemble(path: Path, manifest: dict[str, Any], arrays: dict[str, HostArray]) -> Case:
    def part(prefix: str) -> dict[str, HostArray]:
        return {name.partition("/")[2]: array for name, array in arrays.items() if name.startswith(prefix + "/")}

    count = manifest["steps"]
    stacked = {prefix: part(prefix) for prefix in ("input", "expect")}
    return Case(
        id=manifest["id"], group=manifest["group"], profile=manifest["profile"], dtype=manifest["dtype"],
        config=manifest["config"], state=None if manifest["starts_empty"] else Inputs(part("state")),
        params=Inputs(part("params")),
        steps=[Inputs({name: array[t, ...] for name, array in stacked["input"].items()}) for t in range(count)],
        level=manifest["level"], rules=tuple(manifest["rules"]), title=manifest["title"],
        expect=tuple(Expect(**e) for e in manifest["expect"]),
        expected=[Inputs({name: array[t, ...] for name, array in stacked["expect"].items()}) for t in range(count)],
        flags=tuple(manifest["flags"]), needs=tuple(manifest["needs"]), since=manifest["since"],
        oracles=tuple(manifest["oracles"]), path=path,
    )


def paths(folder: str | os.PathLike[str] = FOLDER) -> list[Path]:
    """All vectors below a folder, by name."""
    return sorted(Path(folder).glob("*/*.json"))


def load_all(folder: str | os.PathLike[str] = FOLDER) -> list[Case]:
    """All vectors below a folder, in the order in which a report reads best: level by level, rule by rule."""
    return in_order(load(path) for path in paths(folder))


def in_order(cases: Iterable[Case]) -> list[Case]:
    """Focused cases before trajectories; within a level, the earlier step of the computation first."""
    return sorted(cases, key=lambda case: (case.group != "memory", case.level, _stage(case.rule), case.id))


def _stage(rule: str) -> int:
    """Where in the computation a rule stands."""
    stage = rule.split(".")[1]
    return STAGES.index(stage) if stage in STAGES else 0


def find(case_id: str, folder: str | os.PathLike[str] = FOLDER) -> Case:
    """The case with this id.

    Raises
    ------
    ValueError
        If there is none, with the nearest ids that there are.
    """
    path = Path(folder) / f"{case_id}.json"
    if path.is_file():
        return load(path)

    known = [f"{p.parent.name}/{p.stem}" for p in paths(folder)]
    near = difflib.get_close_matches(case_id, known, n=3, cutoff=0.3)
    raise ValueError(f"there is no vector {case_id!r}" + (f"; did you mean {', '.join(near)}?" if near else ""))
