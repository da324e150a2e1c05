"""The fixture, in a pytest of its own."""

import subprocess
import sys
from importlib.metadata import entry_points

pytest_plugins = ["pytester"]


def test_a_users_test_is_one_line(pytester):
    pytester.makepyfile("""
        import numpy as np

        def test_right(refmem_gradcheck):
            refmem_gradcheck(np.sin, lambda w, x: w * np.cos(x), np.array([0.1, 0.7]))

        def test_wrong(refmem_gradcheck):
            refmem_gradcheck(np.sin, lambda w, x: w * np.sin(x), np.array([0.1, 0.7]))
    """)
    installed = any(point.value == "refmem.pytest_plugin" for point in entry_points(group="pytest11"))
    result = pytester.runpytest(*([] if installed else ["-p", "refmem.pytest_plugin"]))
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*FAIL *gradient output <- argument 0: at argument 0*analytic*numeric*"])


def test_it_imports_nothing_before_it_is_used():
    code = "import sys, pytest, refmem.pytest_plugin; print('numpy' in sys.modules, 'refmem.gradcheck' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["False", "False"]
