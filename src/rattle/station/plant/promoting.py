"""Take a release into use while its machine is listened to: what it makes of the past, then ears.

its past (``pasts``) ── its account: rows ── ears swap between two windows
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rattle.errors import DataError
from rattle.runtime.scorer import Scorer
from rattle.station.config.model import Plant
from rattle.station.plant.assembly import Assembly
from rattle.station.plant.beginning import allowed_by
from rattle.station.plant.learnable import Learnables
from rattle.station.plant.pasts import Pasts
from rattle.station.plant.releases import Release
from rattle.station.store.database import Database
from rattle.station.store.history import account_of
from rattle.station.store.releases import promote
from rattle.station.store.tables import MachineRow, ReleaseRow


@dataclass(frozen=True)
class Chosen:
    """A release that takes the place of its machine's live one, by whom and why."""

    release_id: str
    machine_id: str
    who: str
    reason: str


class Promoting:
    """Takes releases into use."""

    def __init__(
        self,
        database: Database,
        file: Plant,
        ears: Assembly,
        learnables: Learnables,
        now: Callable[[], datetime],
    ) -> None:
        self._database, self._file, self._ears, self._now = database, file, ears, now
        self._learnables = learnables
        self._pasts = Pasts(database, file, ears, learnables, now)

    def chosen(self, release_id: str, who: str, reason: str) -> Chosen:
        """Check that a release can be taken into use; ``DataError`` where it cannot."""
        with self._database.reading() as session:
            row = session.get(ReleaseRow, release_id)
            machine = None if row is None else session.get(MachineRow, row.machine_id)
        if row is None or machine is None:
            raise DataError(f"there is no release {release_id}; reload the page and look again")
        if machine.id not in self._ears.ears_of:
            raise DataError(
                f"{machine.name} is not listened to by this station; choose the release on the "
                "page of the one that does"
            )
        if self._is_in_use(machine.id, release_id):
            raise DataError(f"{machine.name} uses this release already")
        if row.state == "superseded":
            raise DataError("this release is offered no more; reload the page and choose another")
        if not (self._file.data / row.path).exists():
            raise DataError("the file of this release is not there any more; choose another")
        return Chosen(release_id, machine.id, who, reason)

    def promote(self, chosen: Chosen) -> bool:
        """Take it into use; whether that was to be done still.

        It was not where it was chosen twice, or is offered no more since another was. Where rows
        are written and ears have not followed, they follow when it is called again. Raises
        ``BundleError`` where its file is damaged; then all stays as it was.
        """
        with self._database.reading() as session:
            row = session.get_one(ReleaseRow, chosen.release_id)
            of = self._learnables.of(session, chosen.machine_id)
        is_due = row.state != "superseded" and not self._is_in_use(chosen.machine_id, row.id)
        if of is None or not is_due:
            return False
        path = self._file.data / row.path
        release = Release(Scorer.load(path), path)
        if of.live_id != row.id:
            pasts = self._pasts.of(of, row.id, release)
            with self._database.writing() as session:
                promote(session, row.id, pasts, chosen.who, chosen.reason, self._now())
                live = session.get_one(ReleaseRow, row.id)
                live.report = {**live.report, **allowed_by(of.machine)}
        sources = [ear.source_id for ear in self._ears.ears_of.get(of.id, ())]
        with self._database.reading() as session:
            accounts = {each: account_of(session, each, row.id) for each in sources}
        self._ears.swap(of.machine, of.id, row.id, release, accounts)
        return True

    def _is_in_use(self, machine_id: str, release_id: str) -> bool:
        """Whether it is what ears judge by."""
        ears = self._ears.ears_of.get(machine_id, ())
        return bool(ears) and all(self._ears.in_use[ear.source_id] == release_id for ear in ears)
