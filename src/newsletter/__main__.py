"""`python -m newsletter`, where the program `newsletter` is not on the path."""

import sys

from newsletter.cli import main

sys.exit(main())
