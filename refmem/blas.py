"""Which matrix kernels OpenBLAS uses, where it would pick slow ones.

OpenBLAS looks at the processor's family when it is loaded. It does not know the newest AMD families and falls back
to kernels without AVX-512, which halves the speed of every matrix product there (Zen 5: 115 against 220 GFLOP/s a
core, float32, OpenBLAS 0.3.31). Its variable OPENBLAS_CORETYPE names the kernels to use, and has to be set before
NumPy is imported: hence here, in a module that imports nothing, for the programs that train or measure.
"""

import os
import sys
from pathlib import Path

KERNELS = "SkylakeX"  # OpenBLAS's name for its AVX-512 kernels
NEEDED = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}
CPUINFO = Path("/proc/cpuinfo")


def choose_kernels() -> bool:
    """Ask for AVX-512 kernels on an AMD processor that has them. Returns whether it did.

    It leaves everything as it is where OPENBLAS_CORETYPE is set, NumPy is loaded already, or the system does not say
    what the processor can do.
    """
    if "OPENBLAS_CORETYPE" in os.environ or "numpy" in sys.modules:
        return False
    try:
        words = CPUINFO.read_text(errors="replace").partition("\n\n")[0].split()
    except OSError:
        return False
    if "AuthenticAMD" not in words or not NEEDED <= set(words):
        return False
    os.environ["OPENBLAS_CORETYPE"] = KERNELS
    return True
