"""numba comes late, and says when it takes a while."""

import os
import subprocess
import sys
import threading
import time

import numba
import pytest

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


@pytest.mark.parametrize("pieces", [0, 1, 2, 9])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_each_piece_is_done_once_and_no_more_threads_work_than_asked_for(pieces, threads):
    done, at_work, most, lock = [], 0, 0, threading.Lock()

    def run(piece):
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        time.sleep(0.002)
        with lock:
            done.append(piece)
            at_work -= 1

    jit.in_threads(run, list(range(pieces)), threads)
    assert sorted(done) == list(range(pieces))
    assert most <= threads


@pytest.mark.parametrize("bad", [0, 5])
def test_a_failure_in_any_thread_is_raised_when_all_have_ended(bad):
    done = []

    def run(piece):
        if piece == bad:
            raise ArithmeticError(f"piece {piece}")
        time.sleep(0.002)
        done.append(piece)

    with pytest.raises(ArithmeticError, match=f"piece {bad}"):
        jit.in_threads(run, list(range(6)), 2)
    before = list(done)
    time.sleep(0.02)
    assert done == before
