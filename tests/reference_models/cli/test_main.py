"""The entry of `python -m reference_models`: help, exit codes, errors as sentences."""

import subprocess
import sys

import pytest

from reference_models.cli import main as entry
from reference_models.cli import output
from reference_models.cli.main import main, sentence


def test_help_names_the_commands_and_the_exit_codes(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    out = capsys.readouterr().out
    assert stopped.value.code == 0
    for expected in ("omniglot", "explain", "fetch", "130", "exit codes"):
        assert expected in out


@pytest.mark.parametrize("command", ["omniglot", "explain", "fetch"])
def test_each_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert ("--out" in capsys.readouterr().out) == (command != "explain")


def test_the_module_runs_and_loads_nothing_heavy_for_its_help():
    program = ("import sys; sys.argv = ['x', '--help']; import runpy\n"
               "try: runpy.run_module('reference_models', run_name='__main__')\n"
               "except SystemExit: pass\n"
               "print([name for name in ('numpy', 'rich', 'matplotlib') if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def run_raising(error, monkeypatch):
    def broken(options):
        raise error

    from reference_models.cli import fetch

    monkeypatch.setattr(fetch, "run", broken)
    return main(["fetch", "omniglot"])


@pytest.mark.parametrize("error, code, said", [
    (ValueError("the number\nis odd"), 2, "error: the number is odd\n"),
    (OSError(13, "Permission denied", "/x"), 2, "error: /x: Permission denied\n"),
    (FloatingPointError("it diverged"), 2, "error: it diverged\n"),
    (MemoryError("Unable to allocate 8 TiB"), 2, "error: Unable to allocate 8 TiB\n"),
    (KeyboardInterrupt(), 130, "\nstopped\n"),
    (KeyboardInterrupt("go on with x"), 130, "\nstopped: go on with x\n"),
])
def test_errors_are_one_sentence_and_a_code(error, code, said, monkeypatch, capsys):
    assert run_raising(error, monkeypatch) == code
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == said


def test_a_defect_of_the_program_is_not_hidden(monkeypatch):
    with pytest.raises(AssertionError):
        run_raising(AssertionError("a defect"), monkeypatch)


def test_a_closed_output_is_no_traceback():
    done = subprocess.run([sys.executable, "-c",
                           "import sys, os; from reference_models.cli import fetch, main\n"
                           "def much(options):\n    [print('x' * 1000) for _ in range(1000)]\n"
                           "fetch.run = much\nos.close(1); os.dup2(os.open('/dev/full', os.O_WRONLY), 1)\n"
                           "sys.exit(main.main(['fetch', 'omniglot']))"], capture_output=True, text=True)
    assert done.returncode == 2 and "No space left" in done.stderr and "Traceback" not in done.stderr


def test_an_error_without_words_is_named():
    assert sentence(ValueError()) == "ValueError"
    assert entry.sentence(OSError("no number")) == "no number"


def test_versions_name_what_a_figure_depends_on():
    assert {"refmem", "python", "numpy", "machine"} <= output.versions().keys()
