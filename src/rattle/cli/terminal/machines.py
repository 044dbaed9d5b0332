"""Many machines on the terminal: trained side by side, shown together, stopped by Ctrl-C."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from rattle.cli.terminal.grid_view import GridView
from rattle.cli.terminal.running import announce
from rattle.cli.terminal.stopping import StopRequest
from rattle.clips.machine import Machine
from rattle.detector import Detector
from rattle.detector.fit import FitJob
from rattle.errors import Interrupted, RattleError
from rattle.grid.local import LocalWorkers
from rattle.grid.run import Progress, run_grid
from rattle.learning.shared_features import fill_store
from rattle.runs.folder import bundle_path
from rattle.runs.machines import Fleet, Training
from rattle.runs.write import refuse_existing
from rattle.tracking import TrackerName


def train_fleet(
    jobs: list[FitJob], out: Path, *, workers: int, resume: bool, track: TrackerName | None = None
) -> dict[Machine, str]:
    """Train ``workers`` at a time; returns what was refused, and why."""
    refused = {} if resume else _there_already(jobs, out)
    tasks = [Training(job.machine) for job in jobs if job.machine not in refused]
    before = {task.machine for task in tasks if task.is_done(out)}
    fleet = Fleet(out, jobs[0], track)
    if tasks:
        count = min(workers, len(tasks))
        threads = max((os.cpu_count() or 1) // count, 1)
        with LocalWorkers(fleet, count, threads) as hired:
            progress = _run(fleet, tasks, hired)
        refused |= {task.machine: why for task, why in progress.failed.items()}
        for machine in sorted(task.machine for task in progress.done):
            bundle = bundle_path(out, machine)
            detector = Detector.load(bundle, device="cpu")
            if machine not in before:
                print(f"{machine}: outliers: {detector.info.provenance.outliers}", file=sys.stderr)
            announce(bundle, detector, "was there already" if machine in before else "is ready")
    for machine, why in refused.items():
        print(f"rattle: error: {machine}: {why}", file=sys.stderr)
    return refused


def _there_already(jobs: list[FitJob], out: Path) -> dict[Machine, str]:
    refused = {}
    for job in jobs:
        try:
            refuse_existing(out, job.machine)
        except RattleError as error:
            refused[job.machine] = str(error)
    return refused


def _run(
    fleet: Fleet, tasks: list[Training], workers: LocalWorkers[Training]
) -> Progress[Training]:
    with GridView(workers.count, "machines") as view, StopRequest() as stop:
        job = fleet.job
        to_do = [task.machine for task in tasks if not task.is_done(fleet.folder)]
        try:
            with suppress(RattleError):  # a training that needs the clip will tell
                fill_store(
                    job.clips,
                    job.recipe,
                    to_do,
                    outliers=job.outliers,
                    on_machine=view.on_machine,
                    on_clip=view.on_clip,
                    stop_requested=stop,
                )
            return run_grid(tasks, fleet, workers, on_change=view.show, stop_requested=stop)
        except Interrupted:
            view.say("stopped; go on with the same command and --resume")
            raise KeyboardInterrupt from None
