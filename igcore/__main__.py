"""``python -m igcore``."""

import sys

from igcore.cli import main

sys.exit(main())
