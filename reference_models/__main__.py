"""`python -m reference_models TASK`."""

import sys

from refmem import blas

blas.choose_kernels()  # before anything imports NumPy

from reference_models.cli.main import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
