"""`python -m dslc`: the command line."""

import sys

from dslc.cli.main import main

sys.exit(main())
