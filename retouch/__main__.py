"""`python -m retouch`."""

from __future__ import annotations

import sys

from retouch.cli.main import main

sys.exit(main())
