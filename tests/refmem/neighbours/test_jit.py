"""numba comes late, and says when it takes a while."""

import os
import subprocess
import sys
import time

import numba

from refmem.neighbours import jit


def test_importing_refmem_does_not_import_numba():
    program = ("import sys, refmem, refmem.memory, refmem.neighbours, refmem.cli.main\n"
               "assert 'numba' not in sys.modules")
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_a_long_compilation_is_announced_and_nothing_else_is(capsys, monkeypatch):
    monkeypatch.setattr(jit, "PATIENCE", 0.01)
    kernel = numba.njit(lambda x: x + 1)
    jit.prepare("idle", "f4", lambda: time.sleep(0.1))  # as if read from a slow disk
    assert capsys.readouterr().err == ""
    jit.prepare("slow", "f4", lambda: kernel(1))
    assert "compiling the slow search" in capsys.readouterr().err
    jit.prepare("slow", "f4", lambda: 1 / 0)  # only once
    jit.prepare("warm", "f4", lambda: kernel(1))  # which is compiled
    monkeypatch.setattr(jit, "PATIENCE", 60.0)
    jit.prepare("quick", "f4", lambda: kernel(1.0))
    assert capsys.readouterr().err == ""


def test_an_index_whose_kernels_are_kept_on_disk_says_nothing(tmp_path):
    program = ("import numpy as np\nfrom refmem.neighbours import jit, make\njit.PATIENCE = 0.0\n"
               "make('fused', np.eye(4, dtype='f4'))")

    def said():
        done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True,
                              env=dict(os.environ, NUMBA_CACHE_DIR=str(tmp_path)))
        return done.stderr

    assert "compiling the fused search" in said()
    assert said() == ""
