"""`python -m bench COMMAND`; see `bench.commands`."""

import sys

from refmem import blas

blas.choose_kernels()  # before anything imports NumPy

from bench.commands import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
