"""Finds the run folders below some folders."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from rattle.errors import DataError
from rattle.runs.outcome import FILE

BUNDLE = ".rattle"
# Any of these makes a folder a run folder. A recipe alone does not: an experiment's folder has one.
MARKS = {"environment.json", "metrics.jsonl", FILE}
EXPECTED = (
    "expected run folders as rattle train, adapt and reproduce leave them: MACHINE.rattle beside "
    "MACHINE with recipe.toml, environment.json and metrics.jsonl"
)


@dataclass(frozen=True)
class Place:
    """Where a run is; ``name`` is what the page calls it."""

    name: str
    folder: Path

    @property
    def bundle(self) -> Path:
        return self.folder.with_name(self.folder.name + BUNDLE)


def find_runs(paths: Sequence[Path]) -> list[Place]:
    """The runs in folders searched to the bottom, run folders and bundles; each once, by name.

    Nothing is looked for inside a run folder. Raises ``DataError`` where a path does not exist and
    where there is no run at all.
    """
    found: dict[Path, Place] = {}
    for path in paths:
        if not path.exists():
            raise DataError(f"{path}: there is no such folder or bundle; {EXPECTED}")
        for folder in _below(path):
            inside = len(paths) == 1 and folder != path and folder.is_relative_to(path)
            name = folder.relative_to(path) if inside else folder
            found.setdefault(folder.resolve(), Place(name.as_posix(), folder))
    if not found:
        raise DataError(f"no run in {', '.join(map(str, paths))}; {EXPECTED}")
    return sorted(found.values(), key=lambda place: place.name)


def _below(path: Path) -> list[Path]:
    if path.suffix == BUNDLE and not path.is_dir():
        return [path.with_suffix("")]
    if not path.is_dir():
        raise DataError(f"{path} is neither a folder nor a .rattle file; {EXPECTED}")
    found = set()
    for at, folders, files in os.walk(path, onerror=_raise):
        here = Path(at)
        if not MARKS.isdisjoint(files):
            found.add(here)
            folders.clear()
        runs = {name.removesuffix(BUNDLE) for name in files if name.endswith(BUNDLE)}
        folders[:] = [name for name in folders if name not in runs]
        found |= {here / name for name in runs}
    return sorted(found)


def _raise(error: OSError) -> NoReturn:
    raise error
