"""Train many machines side by side, shown together on the terminal, stopped by Ctrl-C."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from rattle.bundle import read_scoring_bundle
from rattle.cli.terminal.announced import announce
from rattle.cli.terminal.grid_view import GridView, why_failed
from rattle.cli.terminal.stopping import StopRequest
from rattle.clips.machine import Machine
from rattle.cores import cores
from rattle.detector.own import OwnJob
from rattle.errors import Interrupted, RattleError
from rattle.grid.local import LocalWorkers
from rattle.grid.run import Progress, run_grid
from rattle.learning.shared_features import fill_store
from rattle.runs.folder import bundle_path
from rattle.runs.machines import MachineRun, MachineRuns
from rattle.runs.write import refuse_existing, refuse_other
from rattle.tracking import TrackerName


def train_machines(
    jobs: list[OwnJob], out: Path, *, workers: int, resume: bool, track: TrackerName | None = None
) -> dict[Machine, BaseException]:
    """Train ``workers`` machines at a time; return which were refused, and the error of each."""
    refused = {} if resume else _there_already(jobs, out)
    tasks = [MachineRun(job.machine) for job in jobs if job.machine not in refused]
    of_machine = {job.machine: job for job in jobs}
    before = {task.machine for task in tasks if task.is_done(out)}
    shared = MachineRuns(out, jobs[0], track)
    if tasks:
        count = min(workers, len(tasks))
        threads = max(cores() // count, 1)
        with LocalWorkers(shared, count, threads) as hired:
            progress = _run(shared, tasks, hired)
        refused |= {task.machine: error for task, error in progress.failed.items()}
        made = {}
        for machine in sorted(task.machine for task in progress.done):
            bundle = bundle_path(out, machine)
            try:
                info = read_scoring_bundle(bundle).info
                if machine in before:
                    refuse_other(of_machine[machine], bundle, info)
            except RattleError as unreadable:  # or of another job: it was there already
                refused[machine] = unreadable
                continue
            if machine not in before:
                print(f"{machine}: outliers: {info.provenance.outliers}", file=sys.stderr)
            made[bundle] = info, "was there already" if machine in before else "is ready"
        announce(made)
    for machine, error in refused.items():
        print(f"rattle: error: {machine}: {why_failed(error)}", file=sys.stderr)
    return refused


def _there_already(jobs: list[OwnJob], out: Path) -> dict[Machine, BaseException]:
    refused: dict[Machine, BaseException] = {}
    for job in jobs:
        try:
            refuse_existing(out, job.machines)
        except RattleError as error:
            refused[job.machine] = error
    return refused


def _run(
    shared: MachineRuns, tasks: list[MachineRun], workers: LocalWorkers[MachineRun]
) -> Progress[MachineRun]:
    with GridView(workers.count, "machines") as view, StopRequest() as stop:
        job = shared.job
        to_do = [task.machine for task in tasks if not task.is_done(shared.folder)]
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
            return run_grid(tasks, shared, workers, on_change=view.show, stop_requested=stop)
        except Interrupted:
            view.say("stopped; go on with the same command and --resume")
            raise KeyboardInterrupt from None
