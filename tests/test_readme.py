"""What the README shows is true: its Python runs, and its two shell blocks are the ones that CI runs."""

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_of_the_readme_runs(code):
    exec(compile(code, "README.md", "exec"), {})


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


@pytest.mark.parametrize("command", [line for block in blocks("sh") for line in block.splitlines()
                                     if "-m reference_models" in line])
def test_the_commands_of_the_readme_are_understood(command):
    from reference_models.cli.main import parser

    words = shlex.split(command, comments=True)
    parser().parse_args(words[words.index("reference_models") + 1:])


def test_the_files_that_the_readme_points_to_exist():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
