"""``rattle report``: put any set of runs on one page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rattle.runs.read import Reading
    from rattle.runs.run import Run


def report(
    runs: list[Path],
    /,
    *,
    out: Path = Path("report.html"),
    data: Path | None = None,
    scale: Literal["fixed", "paper"] = "fixed",
) -> int:
    """Make one HTML page from any set of runs: figures, curves, scores, embeddings, adaptation.

    A run is what rattle train, adapt and reproduce leave: MACHINE.rattle beside the folder
    MACHINE. Those of rattle reproduce hold what they say of every test clip; for the others give
    --data, and their test clips are scored and kept in the run folder (MACHINE/scored-...), so
    that the next report needs no audio. Without it they have a learning curve and no figures. A
    damaged file is named on the page and left out; the exit code is then 1.

    Parameters
    ----------
    runs
        Folders, searched to the bottom for runs; also run folders and bundles.
    out
        The file to write.
    data
        A folder of recordings, or a CSV file: score the test clips of runs that left no scores.
    scale
        fixed: as stored with each model. paper: the distance by its range over a machine's clips.
    """
    from rattle.errors import DataError
    from rattle.experiments.page.write import write_page
    from rattle.runs.find import find_runs
    from rattle.runs.read import Reading

    reading = Reading()
    folders = find_runs(runs)
    runs_read = [run for run in map(reading.run, folders) if run]
    if data is not None:
        runs_read = _scored(runs_read, data, reading)
    if not runs_read:
        raise DataError("; ".join([f"none of {len(folders)} runs can be read", *reading.notes]))
    write_page(runs_read, reading, out, scale=scale)
    for note in reading.notes:
        print(f"rattle: warning: {note}", file=sys.stderr)
    machines = {run.machine for run in runs_read}
    print(f"{len(runs_read)} of {len(folders)} runs, machines: {len(machines)}")
    print(f"Report: {out}")
    return int(bool(reading.notes))


def _scored(runs: list[Run], data: Path, reading: Reading) -> list[Run]:
    from rattle.cli.terminal.options import told
    from rattle.clips.layouts import load_manifest
    from rattle.errors import RattleError
    from rattle.runs.score import with_outcome

    clips = load_manifest(data)
    runs_read = []
    for run in runs:
        try:
            runs_read.append(with_outcome(run, clips))
        except (RattleError, OSError) as error:
            reason = told(error) if isinstance(error, RattleError) else str(error)
            reading.notes.append(f"{run.name} cannot be scored: {reason}")
            runs_read.append(run)
    return runs_read
