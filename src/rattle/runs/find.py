"""Find the run folders below some folders."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from rattle.bundle.file import SUFFIX
from rattle.errors import DataError
from rattle.runs.folder import ENVIRONMENT, MARKS, METRICS, RECIPE, RunFolder

EXPECTED = (
    f"expected run folders as rattle train, adapt and reproduce leave them: MACHINE{SUFFIX} beside "
    f"MACHINE with {RECIPE}, {ENVIRONMENT} and {METRICS}"
)


@dataclass(frozen=True)
class FoundRun:
    """A run folder that was found; ``name`` is what people are told of it."""

    name: str
    folder: RunFolder


def find_runs(paths: Sequence[Path]) -> list[FoundRun]:
    """Search folders to the bottom for runs; a path may also be a run folder or a bundle itself.

    Returns each run once, sorted by name.

    Nothing is looked for inside a run folder. Raises ``DataError`` where a path does not exist and
    where there is no run at all.
    """
    runs_by_folder: dict[Path, FoundRun] = {}
    for path in paths:
        if not path.exists():
            raise DataError(f"{path}: there is no such folder or bundle; {EXPECTED}")
        for folder in _below(path):
            inside = len(paths) == 1 and folder != path and folder.is_relative_to(path)
            name = folder.relative_to(path) if inside else folder
            runs_by_folder.setdefault(
                folder.resolve(), FoundRun(name.as_posix(), RunFolder(folder))
            )
    if not runs_by_folder:
        raise DataError(f"no run in {', '.join(map(str, paths))}; {EXPECTED}")
    return sorted(runs_by_folder.values(), key=lambda run: run.name)


def _below(path: Path) -> list[Path]:
    if path.suffix == SUFFIX and not path.is_dir():
        return [RunFolder.beside(path).path]
    if not path.is_dir():
        raise DataError(f"{path} is neither a folder nor a {SUFFIX} file; {EXPECTED}")
    below = set()
    for at, folders, files in os.walk(path, onerror=_raise):
        here = Path(at)
        if not MARKS.isdisjoint(files):
            below.add(here)
            folders.clear()
        runs = {name.removesuffix(SUFFIX) for name in files if name.endswith(SUFFIX)}
        folders[:] = [name for name in folders if name not in runs]
        below |= {here / name for name in runs}
    return sorted(below)


def _raise(error: OSError) -> NoReturn:
    raise error
