"""Windows: exactly the declared rows, and the same bytes for the same rows."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.common.command import StageError
from stages.parts import PARTS, find_part
from tests.stages.conftest import ROOT, Pipeline, module_of
from tests.stages.test_labels import read

NORTH = "window-air@north-train"


def window_of(pipeline: Pipeline, stage: str = NORTH) -> pa.Table:
    return pq.read_table(pipeline.directory / pipeline.stages[stage].outs[0].def_path)


def test_a_window_holds_the_labelled_flights_of_its_part_and_days(built: Pipeline) -> None:
    flights = read(built.directory / "data/raw/flights")
    in_window = flights["day"].between("2013-01-01", "2013-03-15")
    wanted = flights[(flights["region"] == "north") & in_window & flights["air_time"].notna()]
    table = window_of(built)
    assert table["id"].to_pylist() == wanted["id"].tolist()
    assert table["air_time"].to_pylist() == wanted["air_time"].tolist()
    assert table.column_names == ["id", "day", "air_time", *PARTS["air-north"].features]


def test_the_parts_share_every_labelled_flight_once_per_component(built: Pipeline) -> None:
    flights = read(built.directory / "data/raw/flights").query("'2013-03-16' <= day < '2013-04-01'")
    for component in ("air", "taxi"):
        stages = [name for name in built.stages if name.startswith(f"window-{component}")]
        calibrate = [name for name in stages if name.endswith("-calibrate")]
        ids = [flight for name in calibrate for flight in window_of(built, name)["id"].to_pylist()]
        assert sorted(ids) == sorted(flights["id"][flights["taxi"].notna()])


def test_quarantined_days_leave_the_window(copy: Pipeline) -> None:
    before = set(window_of(copy)["day"].to_pylist())
    quarantine = {"from": "2013-02-08", "until": "2013-02-10"}
    copy.params["parts"]["air-north"]["train"]["exclude"] = [quarantine]
    copy.run([NORTH])
    assert before - set(window_of(copy)["day"].to_pylist()) == {"2013-02-08", "2013-02-09"}


def test_new_months_leave_the_window_byte_for_byte(copy: Pipeline) -> None:
    before = copy.outputs([NORTH])
    copy.params["data"]["until"] = "2013-05-02"
    copy.run([name for name in copy.stages if name.startswith(("ingest", "features"))])
    copy.run([NORTH])
    assert copy.outputs([NORTH]) == before


def test_a_window_past_the_clock_is_refused(copy: Pipeline) -> None:
    copy.params["parts"]["air-north"]["train"]["until"] = "2013-04-17"
    with pytest.raises(StageError, match="data has arrived only before 2013-04-16"):
        copy.run([NORTH])


def test_features_of_other_flights_are_refused(copy: Pipeline) -> None:
    plane = copy.directory / "data/features/plane"
    table = pq.read_table(plane / "2013-01.parquet")
    (plane / "2013-01.parquet").unlink()
    pq.write_table(table.slice(1), plane / "2013-01.parquet")
    with pytest.raises(StageError, match="hold different flights; run `dvc repro`"):
        copy.run([NORTH])


def test_an_unknown_part_is_named() -> None:
    with pytest.raises(StageError, match="there is no part 'air-east'"):
        find_part("air-east")


@pytest.mark.parametrize("name", [NORTH, "assemble"])
def test_the_cheap_stages_import_neither_pandas_nor_scikit_learn(copy: Pipeline, name: str) -> None:
    """Importing them would double the cost of the 15 cheap stages; pyarrow does it by itself."""
    copy.write_params()
    before = copy.outputs([name])
    stage = copy.stages[name]
    code = (
        f"import sys; from {module_of(stage)} import main; main(sys.argv[1:])\n"
        "print(sorted({'pandas', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *stage.cmd.split()[3:]],
        cwd=copy.directory,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
    assert copy.outputs([name]) == before
