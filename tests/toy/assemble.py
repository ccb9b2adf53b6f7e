"""Put the sub-models into one directory, with what they have seen."""

import json
import pathlib
import shutil
import sys

*parts, target = sys.argv[1:]
bundle = pathlib.Path(target)
bundle.mkdir(parents=True, exist_ok=True)
for part in parts:
    shutil.copy(part, bundle)
seen = max(json.loads(pathlib.Path(part).read_text())["until"] for part in parts)
(bundle / "manifest.json").write_text(json.dumps({"seen_until": seen}))
