"""`python -m newsletter`, where the program `newsletter` is not on the path."""

import sys

from newsletter.cli import main

if __name__ == "__main__":  # and not where a process of ours begins
    sys.exit(main())
