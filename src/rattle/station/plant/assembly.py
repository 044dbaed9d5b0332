"""Put the ears together: a machine has its incidents, a source an ear and its thread."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rattle.listening.source import Source
from rattle.scoring.budget.ledger import Account
from rattle.station.board import Board, MachineNow, SourceNow
from rattle.station.config.model import Machine
from rattle.station.config.model import Source as SourceFile
from rattle.station.events import Hub
from rattle.station.hear.ear import Ear, Outputs
from rattle.station.hear.in_use import InUse
from rattle.station.hear.listener import Listener
from rattle.station.hear.operating import running_of
from rattle.station.hear.push import PushInbox
from rattle.station.hear.sources import Later
from rattle.station.judge.incidents import MachineIncidents
from rattle.station.judge.making import judge_of_source
from rattle.station.judge.moments import OddMoments, OfferedLately
from rattle.station.judge.source_judge import SourceJudge
from rattle.station.judge.troubles import SourceTroubles
from rattle.station.plant.beginning import Beginning, Going
from rattle.station.plant.releases import Release
from rattle.station.records import Record
from rattle.station.store.register import Registered

_log = logging.getLogger(__name__)

Opens = Callable[[SourceFile, Machine, Release], Source]


@dataclass
class Assembly:
    """The ears of a plant, as they are put together.

    By the id of a source: ``ears``, ``troubles``, and ``in_use``, the release that scores it. By
    that of a machine: ``ears_of``, ``incidents_of``, ``offered`` (moments), ``listeners``. By that
    of a release: ``releases``. By a source's name: ``inboxes``. What was taken apart stays in
    ``in_use`` and ``releases``. ``tell`` is the scribe's, ``opens`` makes the source of sound that
    the file names; one that it cannot make is tried again by its listener.
    """

    tell: Callable[[Record], None]
    board: Board
    hub: Hub
    opens: Opens
    now: Callable[[], datetime]
    ears: dict[str, Ear] = field(default_factory=dict)
    ears_of: dict[str, list[Ear]] = field(default_factory=dict)
    incidents_of: dict[str, MachineIncidents] = field(default_factory=dict)
    offered: dict[str, OfferedLately] = field(default_factory=dict)
    troubles: dict[str, SourceTroubles] = field(default_factory=dict)
    in_use: dict[str, str] = field(default_factory=dict)
    releases: dict[str, Release] = field(default_factory=dict)
    inboxes: dict[str, PushInbox] = field(default_factory=dict)
    listeners: dict[str, list[Listener]] = field(default_factory=dict)

    def add_all(
        self, machines: Sequence[Machine], releases: Mapping[str, Release], beginning: Beginning
    ) -> None:
        """Put the machines together, to go on from what was known; ``releases`` by their names."""
        for machine in machines:
            self._add(machine, releases[machine.name], beginning)

    def show_all(
        self, machines: Sequence[Machine], ids: Registered, releases: Mapping[str, str]
    ) -> None:
        """Put the machines on the board, before anyone listens; releases in use by machine's id."""
        for machine in machines:
            machine_id = ids.machines[machine.name]
            release_id = releases.get(machine_id, "")
            self.board.add(self._shown(machine, machine_id, release_id, ids.sources))

    def remove(self, machine_ids: Collection[str]) -> list[Listener]:
        """Take machines apart; gives their listeners, which still listen."""
        for machine_id in machine_ids:
            for ear in self.ears_of.pop(machine_id, []):
                self.ears.pop(ear.source_id, None)
                self.troubles.pop(ear.source_id, None)
                self.inboxes.pop(ear.name, None)
        return [each for machine in machine_ids for each in self.listeners.pop(machine, [])]

    def swap(
        self,
        machine: Machine,
        machine_id: str,
        release_id: str,
        release: Release,
        accounts: Mapping[str, Account],
    ) -> None:
        """Let another release judge a machine; ``accounts`` are what it knows, by source.

        Each source's thresholds are fitted to its account, and count from the next window on.
        """
        now, in_use = self.now(), InUse(release_id, release.scorer)
        self.releases[release_id] = release
        for source_id, account in accounts.items():
            judge = SourceJudge(
                source_id,
                release_id,
                judge_of_source(release.scorer, machine, account, is_same=False),
                self.incidents_of[machine_id],
                tell=self.tell,
                moments=OddMoments(offered=self.offered[machine_id]),
            )
            self.in_use[source_id] = release_id
            self.ears[source_id].swap(in_use, judge, now)
        self.board.set_machine(machine_id, release_id=release_id)

    def _add(self, machine: Machine, release: Release, beginning: Beginning) -> None:
        ids = beginning.registered
        machine_id = ids.machines[machine.name]
        in_use = InUse(ids.releases[machine.name], release.scorer)
        self.releases[in_use.id] = release
        self.board.add(self._shown(machine, machine_id, in_use.id, ids.sources))
        incidents = self._incidents(machine_id, beginning.going)
        self.incidents_of[machine_id] = incidents
        known = [beginning.known[source.name] for source in machine.sources]
        self.offered[machine_id] = OfferedLately(at for each in known for at, _ in each.moments)
        for source in machine.sources:
            source_id = ids.sources[source.name]
            ear = self._ear(machine, source, source_id, machine_id, in_use, incidents, beginning)
            self.ears[source_id], self.in_use[source_id] = ear, in_use.id
            self.ears_of.setdefault(machine_id, []).append(ear)
            opened = self._opened(source, machine, release)
            if isinstance(opened, PushInbox):
                self.inboxes[source.name] = opened
            listener = Listener(opened, ear, now=self.now)
            self.listeners.setdefault(machine_id, []).append(listener)
        incidents.settle(self.now())

    def _opened(self, source: SourceFile, machine: Machine, release: Release) -> Source:
        try:
            return self.opens(source, machine, release)
        except Exception:
            # Whatever it is: the others are heard. Its listener tries again, and says why not.
            _log.exception("%s: it could not be opened", source.name)
            is_live = source.kind != "folder"
            return Later(source.place, is_live, lambda: self.opens(source, machine, release))

    def _incidents(self, machine_id: str, going: Sequence[Going]) -> MachineIncidents:
        own = next((each for each in going if each.incident.subject == machine_id), None)
        return MachineIncidents(
            machine_id,
            tell=self.tell,
            board=self.board,
            hub=self.hub,
            restored=None if own is None else own.incident,
            clips=0 if own is None else own.clips,
        )

    def _ear(
        self,
        machine: Machine,
        source: SourceFile,
        source_id: str,
        machine_id: str,
        in_use: InUse,
        incidents: MachineIncidents,
        beginning: Beginning,
    ) -> Ear:
        known = beginning.known[source.name]
        judge = SourceJudge(
            source_id,
            in_use.id,
            judge_of_source(in_use.scorer, machine, known.account, is_same=known.is_same),
            incidents,
            tell=self.tell,
            threshold_ids=known.threshold_ids if known.is_same else None,
            moments=OddMoments(known.moments, self.offered[machine_id]),
        )
        restored = [each.incident for each in beginning.going]
        troubles = SourceTroubles(
            source_id,
            machine_id,
            tell=self.tell,
            restored=[incident for incident in restored if incident.subject == source_id],
        )
        self.troubles[source_id] = troubles
        return Ear(
            source_id,
            machine_id,
            in_use,
            judge,
            running_of(machine, in_use.scorer),
            troubles,
            Outputs(self.tell, self.board, self.hub),
            live=source.kind != "folder",
        )

    def _shown(
        self, machine: Machine, machine_id: str, release_id: str, source_ids: Mapping[str, str]
    ) -> MachineNow:
        sources = tuple(
            SourceNow(
                source_ids[source.name],
                source.name,
                machine_id,
                source.kind,
                source.place,
                since=self.now(),
            )
            for source in machine.sources
        )
        return MachineNow(
            machine_id,
            machine.name,
            machine.false_alarms_per_week,
            machine.running,
            release_id,
            sources,
        )
