"""The spec index: each rule of the papers has a permanent id, kept beside the code that implements it.

A rule is a comment above the line or the function that is its home:

    # spec: memory.update.age-reset -- A[n] <- 0 for a written slot (LTRRE §2)

the id, the statement or equation, and in parentheses where it comes from. A statement that needs more room goes on
in a comment indented by four more spaces. Nothing else has to be registered: vectors and mutants name the id.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import refmem

ROOT = Path(refmem.__file__).parent
PLACES = ("arrays.py", "memory", "neighbours", "ops")
"""Where rules are looked for."""

TAG = re.compile(r"^\s*# spec: (?P<id>[a-z0-9_.-]+) -- (?P<text>.+)$")
MORE = re.compile(r"^\s*#     (?P<text>\S.*)$")
SOURCE = re.compile(r"^(?P<statement>.+?) \((?P<source>[^()]*(?:\([^()]*\)[^()]*)*)\)$")
CITES = re.compile(r"LTRRE|FW|Neural GPU|released code|derived|GNMT|refmem|PyTorch|Danihelka|A3C")


@dataclass(frozen=True)
class Rule:
    """One rule and its home."""

    id: str
    statement: str
    source: str
    """The paper and section, "released code", or "derived"; empty where it is a matter of numerics."""
    file: str
    """Below the package, e.g. "memory/write.py"."""
    line: int
    """Of the code that it stands above."""
    function: str
    not_differentiated: str
    """What the function or its module says carries no gradient."""


@cache
def index() -> dict[str, Rule]:
    """All rules by id, in the order of the files.

    Raises
    ------
    ValueError
        If a rule has two homes.
    """
    found: dict[str, Rule] = {}
    for path in _files():
        for rule in rules_in(path.read_text(), str(path.relative_to(ROOT))):
            if rule.id in found:
                first = found[rule.id]
                raise ValueError(f"the rule {rule.id} has two homes: "
                                 f"{first.file}:{first.line} and {rule.file}:{rule.line}")
            found[rule.id] = rule
    return found


def _files() -> Iterator[Path]:
    for place in PLACES:
        yield from [ROOT / place] if place.endswith(".py") else sorted((ROOT / place).glob("*.py"))


def rules_in(source: str, file: str) -> list[Rule]:
    """The rules of one file."""
    lines = source.split("\n")
    tree = ast.parse(source)
    rules = []
    for i, line in enumerate(lines):
        tag = TAG.match(line)
        if tag is None:
            continue
        text, below = tag["text"], i + 1
        while more := MORE.match(lines[below]):
            text, below = f"{text} {more['text']}", below + 1
        while lines[below].lstrip().startswith("#"):  # another rule's tag
            below += 1
        statement, origin = _parted(text)
        name, note = _surroundings(tree, below + 1)
        rules.append(Rule(tag["id"], statement, origin, file, below + 1, name, note))
    return rules


def _parted(text: str) -> tuple[str, str]:
    """Statement and source: the last parentheses, where they cite something."""
    match = SOURCE.match(text)
    if match is None or not CITES.search(match["source"]):
        return text, ""
    return match["statement"], match["source"]


def _surroundings(tree: ast.Module, line: int) -> tuple[str, str]:
    """The name of the innermost function around a line, and what is not differentiated there."""
    names, docs = [], [ast.get_docstring(tree) or ""]
    nodes: Iterable[ast.AST] = ast.walk(tree)
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.lineno <= line <= (node.end_lineno or 0):
            names.append(node.name)
            docs.append(ast.get_docstring(node) or "")
    notes = [paragraph for doc in docs for paragraph in _sentences(doc)]
    return ".".join(names), " ".join(notes[-1:])


def _sentences(doc: str) -> list[str]:
    """The sentences of a docstring that speak of what is (not) differentiated."""
    doc = re.sub(r"(?m)^.*\n\s*-{3,}$", "", doc)  # headings
    sentences = [" ".join(part.split()) for part in re.split(r"\n\s*\n|(?<=\.)\s", doc)]
    return [s for s in sentences if re.search(r"differentiated|no gradient|not? derivative", s)]


def find(rule_id: str) -> Rule:
    """The rule with this id.

    Raises
    ------
    ValueError
        If there is none.
    """
    if rule_id not in index():
        raise ValueError(f"there is no rule {rule_id!r}; `refmem spec list` lists them")
    return index()[rule_id]
