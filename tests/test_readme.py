"""What the README and the pages beside it show is true: their Python runs, their commands are understood, their links
lead somewhere, their table of equations is whole; and the README's first two shell blocks are the ones that CI runs."""

import argparse
import re
import shlex
import sys
import types
from pathlib import Path

import pytest

from refmem.conformance import rules

ROOT = Path(__file__).parent.parent
PAGES = {path.name: path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
README, EQUATIONS, VERIFYING = (PAGES[name] for name in ("README.md", "equations.md", "verifying.md"))


def blocks(language, page=README):
    return re.findall(rf"^```{language}\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)


def run(code):
    names = {}
    exec(compile(code, "a page", "exec"), names)
    return names


@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_of_the_readme_runs(code):
    run(code)


@pytest.fixture
def my_project(monkeypatch):
    """The memory of the page's reader: our example."""
    pytest.importorskip("torch")
    from examples.torch_memory import TorchMemory

    module = types.ModuleType("my_project")
    module.Memory = TorchMemory
    monkeypatch.setitem(sys.modules, "my_project", module)
    return module


def test_the_verifier_s_page_passes_a_right_memory_and_names_what_is_wrong_with_another(my_project, capsys):
    code = blocks("python", VERIFYING)[0]
    assert code.count("\n") <= 35
    found = run(code)["run"]
    assert found.exit_code == 0 and found.count("PASS") > 50
    assert "nothing - exit code 0" in capsys.readouterr().out

    class Immortal(my_project.Memory):
        def grow_older(self):
            pass

    my_project.Memory = Immortal
    assert run(code)["run"].exit_code == 1
    assert "memory.update.age-grows" in capsys.readouterr().out


def test_the_gradient_checker_s_line_passes_right_gradients_and_not_wrong_ones():
    torch = pytest.importorskip("torch")
    names = run(blocks("python", VERIFYING)[1])

    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 3 * x

        @staticmethod
        def backward(ctx, w):
            return 6 * w

    with pytest.raises(AssertionError):
        names["assert_gradients"](names["from_torch"](Doubled.apply, torch.randn(4, dtype=torch.float64)))


def test_the_first_two_shell_blocks_are_those_of_a_new_user():
    first, second = blocks("sh")[:2]
    assert first.splitlines()[-1].endswith("-m reference_models omniglot")
    assert "pytest" in second.splitlines()[-1]
    ci = (ROOT / ".ci" / "run").read_text()
    assert '"$(block 1)"' in ci and '"$(block 2)"' in ci  # CI does what they say, word for word


def test_the_extras_that_the_readme_installs_exist():
    named = {extra for block in blocks("sh") for extras in re.findall(r"\.\[([\w,]+)\]", block)
             for extra in extras.split(",")}
    setup = (ROOT / "setup.cfg").read_text()
    defined = set(re.findall(r"^(\w+) =$", setup.partition("[options.extras_require]")[2].partition("\n[")[0],
                             flags=re.MULTILINE))
    assert named and named <= defined


def commands(page):
    """Every command of ours on a page, in blocks and in running text, as (program, its arguments)."""
    lines = [line for language in ("sh", "console") for block in blocks(language, page) for line in block.splitlines()]
    prose = re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    spans = [span.replace("\n", " ") for span in re.findall(r"`([^`]+)`", prose)]
    for line in lines + spans:
        found = re.match(r"(?:\S*python\S* -m )?(reference_models|refmem|bench) (.+)", line)
        if found and (found[1] == "refmem" or " -m " in line):
            yield found[1], shlex.split(found[2], comments=True)


def understood(program, words):
    """Raise ValueError unless the command, its options and their values are known; what it still requires may lack."""
    import bench.__main__
    import reference_models.cli.main
    import refmem.cli.main

    parser = {"refmem": refmem.cli.main, "reference_models": reference_models.cli.main,
              "bench": bench.__main__}[program].parser()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "error", refuse)
        parser.parse_args(words)


def refuse(parser, message):
    if not message.startswith("the following arguments are required"):
        raise ValueError(message)
    raise StopIteration


@pytest.mark.parametrize(("program", "words"), [command for page in PAGES.values() for command in commands(page)],
                         ids=lambda value: " ".join(value) if isinstance(value, list) else value)
def test_the_commands_are_understood(program, words):
    try:
        understood(program, words)
    except StopIteration:
        pass  # `refmem vectors` of the table stands for all that begins so


@pytest.mark.parametrize("words", [["conform", "a:B", "--htlm", "x"], ["spec", "list", "--level", "L9"], ["conforn"]])
def test_a_command_that_does_not_exist_is_not(words):
    with pytest.raises(ValueError):
        understood("refmem", words)


def test_commands_are_found_in_blocks_and_in_text():
    page = "```console\nrefmem spec list  # all\n```\nAnd `python -m bench\nall` or `refmem` or `bench/figures x`."
    assert list(commands(page)) == [("refmem", ["spec", "list"]), ("bench", ["all"])]


@pytest.mark.parametrize("name", PAGES)
def test_the_files_that_a_page_points_to_exist(name):
    folder = ROOT if name == "README.md" else ROOT / "docs"
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGES[name]):
        assert (folder / target).exists(), target


LINK = re.compile(r"\[`([^`]+)`\]\(\.\./refmem/([^)]+)\) `([^`]+)`")


def test_the_table_of_equations_says_where_they_are_and_leaves_none_out():
    index, listed, numbered = rules.index(), set(), set()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in EQUATIONS.splitlines()
            if line.startswith("|") and "[`" in line]
    for where, _, home, ids in rows:
        page, target, function = LINK.fullmatch(home).groups()
        assert page == target
        numbered |= set(re.findall(r"^\((\d)\)$", where))
        for rule in re.findall(r"`([^`]+)`", ids):
            assert (index[rule].file, index[rule].function) == (page, function), rule
            listed.add(rule)
    assert numbered == set("12345")  # the equations that the fast weights paper numbers
    formulas = {rule.id for rule in index.values() if re.match(r"LTRRE §2(?!\.1)|FW (eq\. \d|§3)", rule.source)
                and "is silent" not in rule.source and "refmem" not in rule.source}
    assert formulas == listed


def test_the_numbers_of_rules_vectors_and_mutants():
    from refmem.conformance.case import load_all
    from refmem.conformance.mutants import all_mutants

    cases = load_all()
    numbers = f"{len(rules.index())} rules, {len(cases)} vectors, and {len(all_mutants())} deliberately wrong"
    assert all(numbers in " ".join(page.split()) for page in (README, VERIFYING))
    assert all(len(case.oracles) >= 2 for case in cases)
