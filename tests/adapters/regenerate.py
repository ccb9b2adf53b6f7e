"""Write the golden alerts anew: `python -m tests.adapters.regenerate`, then read the diff.

Every test module of this package may define `GOLDEN`: the golden file's name -> (adapter, sample,
context), or a function `golden_texts`: the golden file's name -> what it must hold.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from tests.adapters.support import GOLDEN, imported_sample, text_of


def main() -> None:
    """Write them all."""
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"tests.adapters.{path.stem}")
        for name, (tool, sample, context) in getattr(module, "GOLDEN", {}).items():
            text = text_of(imported_sample(tool, sample, context))
            (GOLDEN / f"{name}.json").write_text(text, encoding="utf-8")
        for name, text in getattr(module, "golden_texts", dict)().items():
            (GOLDEN / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
