"""Make the detectors of machines that are being enrolled: one thread, one machine at a time.

Not the thread that learns from reviews: a fit takes half a minute, and a verdict is not to wait.
Where the station is stopped in between, it is done again at the next start.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Literal

from rattle.bundle.file import write_bundle
from rattle.errors import DataError, RattleError, StorageError
from rattle.station.config.model import Plant
from rattle.station.enrol.making import Made, make
from rattle.station.enrol.now import Encoder
from rattle.station.enrol.states import States, states_of
from rattle.station.enrol.wanted import machine_of
from rattle.station.plant.recorders import Recorders
from rattle.station.plant.shared_encoders import encoder_of
from rattle.station.store import enrolments as stored
from rattle.station.store.database import Database
from rattle.station.store.enrolments import Enrolment, EnrolmentState

_log = logging.getLogger(__name__)

RELEASES = "releases"
# A database that is away is asked again so often.
AGAIN_S = 10.0


@dataclass(frozen=True)
class _Job:
    kind: Literal["ready", "fit"]
    id: str
    reason: str = ""


class Fitting:
    """The thread; ``put`` returns at once."""

    def __init__(
        self,
        database: Database,
        file: Plant,
        encoders: Callable[[], Sequence[Encoder]],
        recorders: Recorders,
        tell: Callable[[str, EnrolmentState], None],
        now: Callable[[], datetime],
    ) -> None:
        self._database, self._file, self._encoders = database, file, encoders
        self._recorders, self._tell, self._now = recorders, tell, now
        self._progress: dict[str, str] = {}
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="enrolling", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, patience_s: float) -> None:
        """End; what is in work is done again at the next start."""
        self._stopped.set()
        self._queue.put(None)
        self._thread.join(patience_s)

    def put(self, kind: Literal["ready", "fit"], id_: str, reason: str = "") -> None:
        """Ask for an enrolment's detector, or note that no more is recorded, and why."""
        self._queue.put(_Job(kind, id_, reason))

    def progress(self, id_: str) -> str:
        """Say how far a detector is, "" where none is made."""
        return self._progress.get(id_, "")

    def _run(self) -> None:
        while (job := self._queue.get()) is not None and not self._stopped.is_set():
            try:
                self._do(job)
            except DataError:
                pass  # someone else was faster
            except StorageError:
                self._stopped.wait(AGAIN_S)
                self._queue.put(job)

    def _do(self, job: _Job) -> None:
        self._recorders.end(job.id)
        if job.kind == "ready":
            self._change(job.id, "ready", "recording", reason=job.reason)
            return
        with self._database.reading() as session:
            row = stored.enrolment(session, job.id)
        if row is None or row.state != "fitting":
            return
        try:
            states, made = self._made(row)
        except _StoppedError:
            return
        except RattleError as error:
            self._change(row.id, "failed", "fitting", reason=str(error))
            return
        except Exception:
            # A fault of the program in one machine is not to end the enrolment of all others.
            _log.exception("no detector was made of %s", row.name)
            self._change(row.id, "failed", "fitting", reason="an error of the program, see its log")
            return
        finally:
            self._progress.pop(row.id, None)
        path = Path(RELEASES) / f"{made.bundle.identity}.rattle"
        write_bundle(made.bundle, self._file.data / path)
        config = {**row.config, "bundle": str(path)}
        if states.above_dbfs is not None:
            config["running_above_dbfs"] = states.above_dbfs
        try:
            self._change(row.id, "offered", "fitting", config=config, report=made.report)
        except DataError:  # discarded meanwhile
            (self._file.data / path).unlink(missing_ok=True)
            raise
        before = str(row.config.get("bundle", path))
        if before != str(path):  # of less sound, and nobody watched by it
            (self._file.data / before).unlink(missing_ok=True)

    def _made(self, row: Enrolment) -> tuple[States, Made]:
        encoder = encoder_of(self._encoders(), row.encoder)
        machine = machine_of(row.config, encoder.bundles[0])
        pieces = self._recorders.pieces(row.id)
        states = states_of(machine, pieces.all)

        def say(words: str) -> None:
            if self._stopped.is_set():
                raise _StoppedError
            self._progress[row.id] = words
            self._tell(row.id, "fitting")

        return states, make(row.name, pieces.folder, states, encoder.bundles, self._now(), say)

    def _change(
        self, id_: str, state: EnrolmentState, among: EnrolmentState, **fields: object
    ) -> None:
        with self._database.writing() as session:
            stored.change(session, id_, state, (among,), **fields)
        self._tell(id_, state)


class _StoppedError(Exception):
    """The station stops."""
