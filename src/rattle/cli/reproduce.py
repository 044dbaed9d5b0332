"""``rattle reproduce``: make the paper's tables and figure as one command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from rattle.recipe.parts import BASELINES, LOSSES, BaselineName, LossName

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rattle.clips.manifest import Manifest
    from rattle.experiments.experiment import Experiment
    from rattle.experiments.plan import Plan
    from rattle.experiments.sheets import Result
    from rattle.experiments.task import Setting, Task
    from rattle.grid.run import Progress, Workers
    from rattle.runtime.clip_scorer import ScaleName

Several = Parameter(consume_multiple=True)
ExperimentName = Literal["table1", "table2", "figure2"]
SEEDS = (0, 1, 2)
COUNTS = (1, 2, 4, 8, 16, 32, 64)
SHOWN_FAILURES = 6


def reproduce(
    experiment: ExperimentName,
    data: Path,
    /,
    *,
    recipe: str = "fleet",
    seeds: Annotated[tuple[int, ...], Several] = SEEDS,
    machines: Annotated[tuple[str, ...], Several] = (),
    losses: Annotated[tuple[LossName, ...], Several] = LOSSES,
    baselines: Annotated[tuple[BaselineName | Literal["none"], ...], Several] = BASELINES,
    anomalies: Annotated[tuple[int, ...], Several] = COUNTS,
    validation: Annotated[tuple[str, ...], Several] = (),
    scale: Literal["fixed", "paper"] = "paper",
    out: Path = Path("experiments"),
    workers: int | None = None,
    threads: int | None = None,
    ray: str | None = None,
    device: str = "auto",
) -> int:
    """Run one of the paper's experiments on your data: every machine, every loss, every seed.

    table2: all losses and baselines without anomalies. table1: alpha for each machine type, chosen
    on validation machines. figure2: each loss adapted with more and more anomalies, by its
    encoder and, where it has a posterior, by its head. They share their models: what is done is
    never done again. Ctrl-C keeps the state; the same command goes on. A task that fails does not
    stop the others; the exit code is then 1.

    Parameters
    ----------
    experiment
        table1, table2 or figure2.
    data
        A folder of recordings, or a CSV file.
    recipe
        fleet, small, paper, or a TOML file.
    seeds
        Seeds to train with, one model each.
    machines
        Machines to train for, as type/id; by default all that have the clips it takes.
    losses
        Losses to compare.
    baselines
        Baselines to compare with in table2; none leaves them out.
    anomalies
        figure2: numbers of anomalies to adapt with. The largest is set apart from the test clips.
    validation
        table1: machines to choose alpha on, the others are then evaluated; by default those that
        DCASE 2020 has in its development set.
    scale
        paper: the distance by its range over a machine's test clips. fixed: as in the bundle.
    out
        Folder for models, tables and figures.
    workers
        Tasks at a time; by default one a core, on a cluster as many as its cores allow.
    threads
        Threads of each task; by default this machine's cores shared out, on a cluster 1.
    ray
        auto or the address of a Ray cluster to run on. DATA and OUT must be there on every node.
    device
        auto, cpu, cuda or cuda:N.
    """
    from rattle.cli.terminal.grid_view import why_failed
    from rattle.cli.terminal.sheet_view import print_result
    from rattle.clips.layouts import load_manifest
    from rattle.clips.machine import Machine
    from rattle.experiments.experiment import Selection
    from rattle.experiments.folder import open_folder
    from rattle.experiments.paper import Figure2Experiment, Table1Experiment, Table2Experiment
    from rattle.experiments.task import Setting
    from rattle.learning.device import place
    from rattle.recipe import Recipe

    _check_numbers(seeds, anomalies, workers, threads)
    chosen = Recipe.load(recipe)
    if ray is None:  # a cluster's nodes have devices of their own
        place(device, chosen.training.precision)
    clips = load_manifest(data)
    named = tuple(Machine.parse(name) for name in machines) or None
    choose_on = tuple(Machine.parse(name) for name in validation) or None
    selection = Selection(losses, seeds, named)
    compared = tuple(name for name in baselines if name != "none")
    experiments: dict[ExperimentName, Experiment] = {
        "table1": Table1Experiment(selection, choose_on),
        "table2": Table2Experiment(selection, compared),
        "figure2": Figure2Experiment(selection, anomalies),
    }
    wanted = experiments[experiment]
    plan = wanted.plan(clips, chosen)
    open_folder(out, clips, chosen)
    setting = Setting(out.resolve(), device=device)
    for note in plan.notes:
        print(f"rattle: warning: {note}", file=sys.stderr)
    with _workers(setting, ray, workers, threads) as hired:
        progress = _run(plan, setting, hired)
    for task, error in progress.failed.items():
        print(f"rattle: error: {task.title}: {why_failed(error)}", file=sys.stderr)
    print_result(_conclude(wanted, plan, setting.folder, clips, scale, progress))
    print(f"Written: {out / wanted.name} {', '.join(wanted.suffixes)}")
    return int(bool(progress.failed))


def _check_numbers(
    seeds: tuple[int, ...], anomalies: tuple[int, ...], workers: int | None, threads: int | None
) -> None:
    from rattle.errors import DataError

    if not seeds or min(seeds) < 0:
        raise DataError("--seeds are one or more whole numbers from 0")
    if not anomalies or min(anomalies) < 1:
        raise DataError(
            "--anomalies are one or more whole numbers from 1; the models without any are always "
            "there"
        )
    for name, number in (("workers", workers), ("threads", threads)):
        if number is not None and number < 1:
            raise DataError(f"--{name} is 1 or more; {number} was given")


def _workers(
    setting: Setting, ray: str | None, workers: int | None, threads: int | None
) -> AbstractContextManager[Workers[Task]]:
    if ray is not None:
        from rattle.grid.cluster import RayWorkers

        return RayWorkers(setting, ray, count=workers, threads=threads or 1)
    from rattle.cores import cores
    from rattle.grid.local import LocalWorkers

    count = workers or max(cores() // (threads or 1), 1)
    return LocalWorkers(setting, count, threads or max(cores() // count, 1))


def _run(plan: Plan, setting: Setting, workers: Workers[Task]) -> Progress[Task]:
    from rattle.cli.terminal.grid_view import GridView
    from rattle.cli.terminal.stopping import StopRequest
    from rattle.errors import Interrupted
    from rattle.grid.run import run_grid
    from rattle.learning.shared_features import fill_store

    to_do = sorted({task.machine for task in plan.tasks if not task.is_done(setting.folder)})
    with GridView(workers.count) as view, StopRequest() as stop:
        try:
            fill_store(
                setting.clips,
                setting.recipe,
                to_do,
                on_machine=view.on_machine,
                on_clip=view.on_clip,
                stop_requested=stop,
            )
            return run_grid(plan.tasks, setting, workers, on_change=view.show, stop_requested=stop)
        except Interrupted:
            view.say("stopped; the same command goes on")
            raise KeyboardInterrupt from None


def _conclude(
    experiment: Experiment,
    plan: Plan,
    folder: Path,
    clips: Manifest,
    scale: ScaleName,
    progress: Progress[Task],
) -> Result:
    from rattle.errors import DataError
    from rattle.experiments.experiment import outcomes_of

    outcomes = outcomes_of(plan, folder)
    if not outcomes:
        raise DataError("every task failed; the errors above say why")
    notes = [*plan.notes]
    if progress.failed:
        titles = [task.title for task in progress.failed]
        more = f" and {len(titles) - SHOWN_FAILURES} more" if len(titles) > SHOWN_FAILURES else ""
        notes.append(
            f"{len(titles)} of {progress.total} tasks failed, and what they would give is missing: "
            f"{'; '.join(titles[:SHOWN_FAILURES])}{more}"
        )
    return experiment.conclude(folder, outcomes, clips, notes, scale)
