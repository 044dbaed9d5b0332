"""``rattle download``: fetch public data sets, verify and unpack them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def download(
    dataset: Literal["dcase2020"],
    /,
    *,
    to: Path,
    machines: str = "ToyCar,ToyConveyor,fan,pump,slider,valve",
    parts: str = "dev,eval_train,eval_test",
) -> int:
    """Download DCASE 2020 Task 2 from Zenodo, verify it and unpack it.

    The data is licensed CC BY-NC-SA 4.0. An interrupted download goes on where it stopped when
    the command is run again, and what is already unpacked is skipped. The folder is then ready
    for the other commands.

    Parameters
    ----------
    dataset
        The data set; dcase2020 is the one there is.
    to
        The folder to unpack into, as dev_data and eval_data.
    machines
        Machine types with commas between.
    parts
        Parts with commas between: dev (development set), eval_train (additional training set),
        eval_test (evaluation set and its labels).
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    from rattle.clips.download.archives import LICENCE
    from rattle.clips.download.dcase2020 import download_dcase2020

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    # Progress goes to stderr, so that stdout holds the result alone.
    with Progress(*columns, console=Console(stderr=True)) as bars:

        def show(name: str, have: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name)
            bars.update(tasks[name], completed=have, total=total)

        new = download_dcase2020(
            to,
            machine_types=[name.strip() for name in machines.split(",")],
            parts=[name.strip() for name in parts.split(",")],
            progress=show,
        )
    for folder in new:
        print(folder)
    print(f"{len(new)} folders new in {to}; DCASE 2020 Task 2 is licensed {LICENCE}")
    return 0
