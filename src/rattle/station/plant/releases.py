"""Take a machine's bundle into use: checked, and copied to where nobody changes it.

An incident names its release for years; the file that the plant's owner gave may be another one
tomorrow.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from rattle.atomic import replacing
from rattle.errors import BundleError
from rattle.runtime.scorer import Scorer
from rattle.station.config.model import Machine
from rattle.station.store.tables import MachineRow, ReleaseRow

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Release:
    """A bundle in use: opened to score, and its copy.

    ``given`` is the identity of the bundle that the file names, where another one was chosen since.
    """

    scorer: Scorer
    path: Path
    given: str | None = None

    @property
    def encoder(self) -> str:
        """The hash of its graph: embeddings of one encoder compare."""
        return self.scorer.graph.identity


@dataclass(frozen=True)
class Before:
    """The release that was live: its copy, and the identity of the bundle that the file named."""

    path: Path
    identity: str
    given: str | None


def take_into_use(bundle: Path, releases: Path) -> Release:
    """Open a bundle and copy it to ``releases``, named by its content.

    Raises ``BundleError`` where it is damaged, holds no graph or is being replaced, and
    ``StorageError`` where it cannot be copied.
    """
    scorer = Scorer.load(bundle)
    copy = releases / f"{scorer.identity}.rattle"
    if not copy.exists():
        with replacing(copy) as beside:
            shutil.copyfile(bundle, beside)
            _check_same(beside, scorer, bundle)
    return Release(scorer, copy)


def take_into_use_or_keep(
    machine: Machine, releases: Path, before: Mapping[str, Before], refused: dict[str, str]
) -> Release:
    """Take a machine's bundle into use, or go on with the one ``before``.

    That is so where the file names the same bundle as then and another one was chosen since, or
    where the file's cannot be used. ``before`` are the releases that were live, by their machine's
    name. Why a bundle is not used is noted in ``refused``. Raises ``BundleError`` where there is
    none to go on with.
    """
    live = before.get(machine.name)
    try:
        named = take_into_use(machine.bundle, releases)
    except BundleError as error:
        if live is None or not live.path.exists():
            raise
        release = Release(Scorer.load(live.path), live.path, live.given)
        _log.warning("%s goes on with the bundle that it had before: %s", machine.name, error)
        refused[machine.name] = str(error)
        return release
    return chosen_since(machine, named, live, refused)


def chosen_since(
    machine: Machine, named: Release, live: Before | None, refused: dict[str, str]
) -> Release:
    """Open the release that was chosen since the file named a bundle; else give that one.

    ``live`` is the release in use. Why one that was chosen is not used is noted in ``refused``.
    """
    given = named.given or named.scorer.identity
    if live is None or live.given != given or live.identity == named.scorer.identity:
        return named
    try:
        return Release(Scorer.load(live.path), live.path, given)
    except BundleError as error:
        _log.warning("%s goes on with the bundle that it had: %s", machine.name, error)
        refused[machine.name] = str(error)
        return named


def live_before(session: Session, machines: Sequence[Machine], data: Path) -> dict[str, Before]:
    """Find the releases of machines that were live, by the machine's name."""
    rows = session.execute(
        select(MachineRow.name, MachineRow.given, ReleaseRow.path, ReleaseRow.identity)
        .join(ReleaseRow, ReleaseRow.id == MachineRow.live_release_id)
        .where(MachineRow.name.in_([machine.name for machine in machines]))
    )
    return {name: Before(data / path, identity, given) for name, given, path, identity in rows}


def _check_same(copy: Path, scorer: Scorer, bundle: Path) -> None:
    """Raise where the file became another one between reading and copying."""
    try:
        if Scorer.load(copy).identity == scorer.identity:
            return
    except BundleError:
        pass
    raise BundleError(f"{bundle} is being replaced; try again once that is done")
