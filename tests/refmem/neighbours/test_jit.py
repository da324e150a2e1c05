"""numba comes late, and says when it takes a while."""

import subprocess
import sys
import time

from refmem.neighbours import jit


def test_importing_refmem_does_not_import_numba():
    program = ("import sys, refmem, refmem.memory, refmem.neighbours, refmem.cli.main\n"
               "assert 'numba' not in sys.modules")
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_a_long_compilation_is_announced_and_a_short_one_is_not(capsys, monkeypatch):
    monkeypatch.setattr(jit, "PATIENCE", 0.05)
    jit.prepare("quick", "f4", lambda: None)
    time.sleep(0.1)
    assert capsys.readouterr().err == ""
    jit.prepare("slow", "f4", lambda: time.sleep(0.3))
    assert "compiling the slow search" in capsys.readouterr().err
    jit.prepare("slow", "f4", lambda: 1 / 0)  # only once
