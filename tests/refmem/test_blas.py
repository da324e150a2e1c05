"""AVX-512 kernels are asked for where OpenBLAS would not find them, and nowhere else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from refmem import blas

ROOT = Path(__file__).parents[2]
WITH = "vendor_id : {}\nflags : fpu " + " ".join(sorted(blas.NEEDED)) + "\n\nvendor_id : second core"


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """As before NumPy is imported, on a machine of our making."""
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    monkeypatch.delitem(sys.modules, "numpy")

    def machine(cpuinfo):
        (tmp_path / "cpuinfo").write_text(cpuinfo)
        monkeypatch.setattr(blas, "CPUINFO", tmp_path / "cpuinfo")
    return machine


def test_an_amd_processor_with_avx512(fresh, monkeypatch):
    fresh(WITH.format("AuthenticAMD"))
    assert blas.choose_kernels()
    assert os.environ["OPENBLAS_CORETYPE"] == "SkylakeX"


@pytest.mark.parametrize("cpuinfo", [WITH.format("GenuineIntel"), WITH.format("AuthenticAMD").replace("avx512bw", ""),
                                     "processor : 0"])
def test_other_processors_are_left_alone(fresh, cpuinfo):
    fresh(cpuinfo)
    assert not blas.choose_kernels()
    assert "OPENBLAS_CORETYPE" not in os.environ


def test_what_the_user_chose_stays(fresh, monkeypatch):
    fresh(WITH.format("AuthenticAMD"))
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert not blas.choose_kernels()
    assert os.environ["OPENBLAS_CORETYPE"] == "Haswell"


def test_a_system_that_does_not_say_is_left_alone(fresh, monkeypatch):
    monkeypatch.setattr(blas, "CPUINFO", Path("/nowhere/cpuinfo"))
    assert not blas.choose_kernels()


def test_too_late_is_too_late(monkeypatch):
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    assert "numpy" in sys.modules
    assert not blas.choose_kernels()


@pytest.mark.parametrize("program", ["reference_models", "bench"])
def test_the_programs_choose_before_numpy_is_there(program):
    code = (f"import runpy, sys; import refmem.blas as blas; blas.choose_kernels = lambda: sys.exit(7 + ('numpy' in "
            f"sys.modules)); runpy.run_module({program!r}, run_name='__main__')")
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 7
