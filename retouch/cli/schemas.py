"""Write the JSON Schemas of all documents: `python -m retouch.cli.schemas [FOLDER]`.

They come from the models alone, so editors complete what the models accept. Field descriptions are
the attribute docstrings; pydantic reads these from source, which would slow down every start, so
it is switched on here only, before the models are imported.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from retouch.documents import Document, Value


def documents() -> dict[str, type[Document]]:
    """Return every document that is written to disk or by hand: file name -> model."""
    Value.model_config["use_attribute_docstrings"] = True

    from retouch.adapters.base.context import Context
    from retouch.adapters.base.mapping import Mapping
    from retouch.alerts.model import Alert
    from retouch.alerts.receipt import Receipt
    from retouch.execution.model import Run
    from retouch.gate.canary_model import CanaryVerdict
    from retouch.gate.model import Overrides, Verdict
    from retouch.gate.shadow_model import Shadow
    from retouch.jobs.packages.proposal import Proposal
    from retouch.planning.model import Plan
    from retouch.policy.model import Policy
    from retouch.policy.monitors import Monitors
    from retouch.policy.promotion import Promotion
    from retouch.policy.silences import Silences

    return {
        "alert": Alert,
        "canary": CanaryVerdict,
        "context": Context,
        "mapping": Mapping,
        "monitors": Monitors,
        "overrides": Overrides,
        "plan": Plan,
        "promotion": Promotion,
        "proposal": Proposal,
        "receipt": Receipt,
        "retraining": Policy,
        "run": Run,
        "shadow": Shadow,
        "silences": Silences,
        "verdict": Verdict,
    }


def write_all(folder: Path) -> None:
    """Write one `<name>.schema.json` per document into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in documents().items():
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        schema |= model.model_json_schema(by_alias=True)
        text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        (folder / f"{name}.schema.json").write_text(text)


if __name__ == "__main__":
    write_all(Path(sys.argv[1] if len(sys.argv) > 1 else "schemas"))
