r"""Enrols a REAL machine in a running station whose encoder knows none of its kind.

    python benchmarks/demo_kit.py train KIT
    python benchmarks/enrolment.py run --bundles KIT --data DATA --machine slider/id_00 \
        --results benchmarks/results/enrolment.jsonl                      (some ten minutes)
    python benchmarks/enrolment.py table --results benchmarks/results/enrolment.jsonl \
        --page docs/explanation/enrolling.md

The four bundles of KIT share an encoder that heard synthetic machines alone. DATA holds dev_data of
DCASE 2020 task 2. A station runs; the machine's training clips arrive in a folder that it watches
as a new machine's, its detector is made and accepted. Then its healthy test clips arrive, again and
again, for three hours; and then one minute of a faulty clip, six times over, after each eleven of
healthy ones. What the station raises is held against that. The healthy clips recur every ten
minutes: that tells nothing of a rate of false alarms.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from sklearn.metrics import roc_auc_score
from sqlalchemy import select

from page import between
from rattle.runtime.scorer import Scorer
from rattle.station.config.model import Plant as PlantFile
from rattle.station.enrol.wanted import Wanted
from rattle.station.plant.station import Plant
from rattle.station.store.tables import (
    IncidentRow,
    MachineRow,
    MinuteRow,
    SourceRow,
    ThresholdRow,
)
from rows import Row, noted

# Recordings of a minute, six clips each: no window spans two recordings.
CLIPS, RECORDING_S = 6, 60
HEALTHY_MIN = 180
FAULTS, CALM_MIN = 20, 11
RATE_HZ = 16_000
BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WAIT_S = 2400.0


class Arriving:
    """A folder in which recordings of a minute arrive, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.at = folder, BEGIN
        folder.mkdir()

    def put(self, clips: Sequence[Path]) -> tuple[datetime, datetime]:
        """Let clips arrive, six to a recording; says from when to when they are."""
        begin = self.at
        for place in range(0, len(clips) - CLIPS + 1, CLIPS):
            each = [soundfile.read(clip)[0] for clip in clips[place : place + CLIPS]]
            self.at += timedelta(seconds=RECORDING_S)
            path = self.folder / f"{self.at:%Y%m%dT%H%M%S}.flac"
            beside = path.with_suffix(".part")
            soundfile.write(beside, np.concatenate(each), RATE_HZ, format="FLAC")
            os.utime(beside, (self.at.timestamp(), self.at.timestamp()))
            beside.rename(path)
        return begin, self.at


def enrolled(bundles: Path, data: Path, machine: str) -> Row:
    """Enrol the machine, let the station hear it; what came of it."""
    kind, _, id_ = machine.partition("/")
    of = data / "dev_data" / kind

    def clips(split: str, label: str) -> list[Path]:
        return sorted((of / split).glob(f"{label}_{id_}_*"))

    train, healthy, faulty = (
        clips("train", "normal"),
        clips("test", "normal"),
        clips("test", "anomaly"),
    )
    with tempfile.TemporaryDirectory() as folder:
        arriving = Arriving(Path(folder) / "recordings")
        plant = Plant(_file(bundles, Path(folder) / "data"))
        plant.start()
        try:
            row: Row = {"machine": machine, "train": len(train)}
            row |= _made(plant, arriving, train)
            scorer = Scorer.load(plant.file.data / row.pop("bundle"))
            row |= _apart(scorer, healthy, faulty)
            return row | _watched(plant, arriving, healthy, faulty)
        finally:
            plant.stop()


def _file(bundles: Path, data: Path) -> PlantFile:
    machines = [
        {
            "name": path.stem,
            "bundle": path,
            "sources": [{"name": path.stem, "push": {"token": "nobody"}}],
        }
        for path in sorted(bundles.glob("*.rattle"))
    ]
    return PlantFile.model_validate({"plant": "hall", "data": data, "machine": machines})


def _made(plant: Plant, arriving: Arriving, train: Sequence[Path]) -> Row:
    """Record the machine and make its detector."""
    table = {"name": "new", "sources": [{"name": "new", "folder": str(arriving.folder)}]}
    id_ = plant.enrolling.begin(Wanted(table, "", 600.0, at_once=False), "bench")
    arriving.put(train)
    _wait(lambda: len(_now(plant, id_).pieces) >= CLIPS * (len(train) // CLIPS))
    looks = _now(plant, id_).checked
    began = time.monotonic()
    plant.enrolling.fit(id_, "bench")
    _wait(lambda: _now(plant, id_).row.state != "fitting")
    now = _now(plant, id_)
    if now.row.report is None:
        raise SystemExit(now.row.reason)
    plant.enrolling.accept(id_, "bench")
    return {
        "fit_s": round(time.monotonic() - began, 1),
        "usable": len(looks.states.usable),
        "checks": [[c.name, c.is_fine, c.said] for c in looks.checks],
        "rehearsal": now.row.report["rehearsal"]["sentences"],
        "bundle": now.row.config["bundle"],
    }


def _apart(scorer: Scorer, healthy: Sequence[Path], faulty: Sequence[Path]) -> Row:
    """How well the head tells the test clips apart, and at the threshold that its bundle states."""
    scores = [clip.score for clip in scorer.score([*healthy, *faulty])]
    threshold = scorer.threshold.value
    return {
        "auc": roc_auc_score([0] * len(healthy) + [1] * len(faulty), scores),
        "healthy_above": sum(s > threshold for s in scores[: len(healthy)]),
        "faulty_above": sum(s > threshold for s in scores[len(healthy) :]),
        "healthy": len(healthy),
        "faulty": len(faulty),
    }


def _watched(
    plant: Plant, arriving: Arriving, healthy: Sequence[Path], faulty: Sequence[Path]
) -> Row:
    """Let the station hear healthy hours and faulty minutes; which of these raised an incident."""
    turn = 0

    def calm(minutes: int) -> list[Path]:
        nonlocal turn
        count = CLIPS * minutes
        turn += count
        return [healthy[each % len(healthy)] for each in range(turn - count, turn)]

    arriving.put(calm(HEALTHY_MIN))
    chosen = [faulty[each * len(faulty) // FAULTS] for each in range(FAULTS)]
    spans = []
    for clip in chosen:
        spans.append(arriving.put([clip] * CLIPS))
        arriving.put(calm(CALM_MIN))
    _wait(lambda: _reached(plant) >= arriving.at - timedelta(minutes=2))
    with plant.database.reading() as session:
        id_ = session.scalar(select(MachineRow.id).where(MachineRow.name == "new"))
        incidents = session.scalars(
            select(IncidentRow).where(
                IncidentRow.machine_id == id_,
                IncidentRow.kind == "machine",
                IncidentRow.level != "moment",
            )
        ).all()
        first = session.scalar(
            select(ThresholdRow.active_from)
            .where(ThresholdRow.level == "alarm")
            .order_by(ThresholdRow.active_from)
        )
        minutes = session.execute(
            select(MinuteRow.at, MinuteRow.highest)
            .join(SourceRow, SourceRow.id == MinuteRow.source_id)
            .where(SourceRow.machine_id == id_, MinuteRow.highest.is_not(None))
        ).all()
        limits = {
            row.level: row.value
            for row in session.scalars(select(ThresholdRow).order_by(ThresholdRow.active_from))
        }
    levels = [{i.level for i in incidents if _meets(i, span)} for span in spans]
    false = [i.level for i in incidents if not any(_meets(i, span) for span in spans)]
    return {
        "threshold_after_min": None if first is None else (first - BEGIN).total_seconds() / 60,
        **_odd(minutes, spans),
        "limits": limits,
        "faults": len(spans),
        "by_alarm": sum("alarm" in each for each in levels),
        "by_watch": sum(each == {"watch"} for each in levels),
        "false_alarms": false.count("alarm"),
        "false_watches": false.count("watch"),
    }


def _odd(
    minutes: Sequence[tuple[datetime, float]], spans: Sequence[tuple[datetime, datetime]]
) -> Row:
    """How well the highest Y of minutes tells faulty minutes from healthy ones."""
    faulty = [max(y for at, y in minutes if begin <= at < end) for begin, end in spans]
    calm = [y for at, y in minutes if not any(b - MINUTE < at < e + MINUTE for b, e in spans)]
    return {
        "minutes_auc": roc_auc_score([0] * len(calm) + [1] * len(faulty), [*calm, *faulty]),
        "highest_calm": max(calm),
        "faulty_above_calm": sum(y > max(calm) for y in faulty),
        "highest_faulty": max(faulty),
        "calm_minutes": len(calm),
    }


def _meets(incident: IncidentRow, span: tuple[datetime, datetime]) -> bool:
    slack = timedelta(seconds=30)
    ended = incident.ended or incident.opened
    return incident.opened <= span[1] + slack and ended >= span[0] - slack


def _reached(plant: Plant) -> datetime:
    new = next((m for m in plant.board.machines() if m.name == "new"), None)
    heard = None if new is None else new.sources[0].heard_at
    is_written = not plant.health().writing.waiting
    return heard if heard is not None and is_written else BEGIN


def _now(plant: Plant, id_: str) -> Any:
    return plant.enrolling.one(id_)


def _wait(is_done: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT_S
    while not is_done():
        if time.monotonic() > until:
            raise SystemExit("it did not come in time")
        time.sleep(0.5)


COLUMNS = (
    "machine",
    "recordings learnt from",
    "AUC of the test clips",
    "faulty clips above the clip threshold",
    "healthy clips above it",
    "AUC of minutes that the station heard",
    "faulty minutes above all healthy ones",
    "by alarm",
    "by watch",
    "false alarms, watches",
)


def table(rows: Sequence[Row]) -> str:
    """What came of each machine."""
    lines = [f"| {' | '.join(COLUMNS)} |", f"|---|{'---:|' * (len(COLUMNS) - 1)}"]
    lines += [
        f"| {row['machine']} | {row['usable']} | {row['auc']:.3f} | {row['faulty_above']} of "
        f"{row['faulty']} | {row['healthy_above']} of {row['healthy']} | {row['minutes_auc']:.3f} "
        f"| {row['faulty_above_calm']} of {row['faults']} | {row['by_alarm']} | {row['by_watch']} "
        f"| {row['false_alarms']}, {row['false_watches']} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    run, show = verbs.add_parser("run"), verbs.add_parser("table")
    run.add_argument("--bundles", type=Path, required=True)
    run.add_argument("--data", type=Path, required=True)
    run.add_argument("--machine", action="append", required=True)
    show.add_argument("--page", type=Path)
    for each in (run, show):
        each.add_argument("--results", type=Path, required=True)
    given = parser.parse_args()
    if given.verb == "run":
        for machine in given.machine:
            line = json.dumps(enrolled(given.bundles, given.data, machine))
            with given.results.open("a") as results:
                results.write(f"{line}\n")
        return
    rows = noted(given.results)
    if given.page is None:
        print(table(rows))
    else:
        page = given.page.read_text()
        given.page.write_text(between(page, "enrolment", table(rows)))


if __name__ == "__main__":
    main()
