"""`python -m reference_models TASK`."""

import sys

from reference_models.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
