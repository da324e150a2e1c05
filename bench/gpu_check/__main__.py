"""`python -m bench.gpu_check [--out DIR] [--json]`, see `check`."""

import sys

from bench.gpu_check.check import main

if __name__ == "__main__":
    sys.exit(main())
