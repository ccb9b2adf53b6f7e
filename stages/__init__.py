"""The reference pipeline: one file is one stage of `dvc.yaml`, run as `python -m stages.<name>`."""

from __future__ import annotations

import os

# Set before numpy or scikit-learn load. A fit takes less than two seconds here, so a second OpenMP
# thread only spins while it waits, and slows the stages that run beside it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
