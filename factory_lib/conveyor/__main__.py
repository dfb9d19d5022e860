"""``python -m factory_lib.conveyor`` writes the course's clips and their truths again."""

import sys

from . import main

if __name__ == "__main__":
    sys.exit(main())
