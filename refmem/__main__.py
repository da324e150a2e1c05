"""`python -m refmem` is the command `refmem`."""

import sys

from refmem.cli.main import main

sys.exit(main())
