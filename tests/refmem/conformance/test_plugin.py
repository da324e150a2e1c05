"""The vectors as tests of pytest, in a process of its own."""

import subprocess
import sys


def pytest_run(*arguments):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", "/",
               "-p", "refmem.conformance.plugin", "--pyargs", "refmem.conformance.test_vectors", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_with_the_option_every_case_is_a_test():
    done = pytest_run("--refmem-impl", "refmem.conformance.reference:Reference", "-k", "relu or linear")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 passed" in done.stdout


def test_without_the_option_nothing_happens():
    done = pytest_run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" not in done.stdout and "1 skipped" in done.stdout
