"""What a machine's heads set out from: each source with its own sound and its own incidents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from plant_kit import plant_file

from rattle.runtime.scorer import Scorer
from rattle.station.board import Board, MachineNow, SourceNow
from rattle.station.learn.incidents import Stood
from rattle.station.plant.learnable import Learnable, Learnables
from rattle.station.plant.releases import Release
from rattle.station.plant.roster import Roster
from rattle.station.records import Embeddings
from rattle.station.store import embedding_files

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
SOURCES = ("left", "right")


def stood(source: str) -> Stood:
    return Stood(
        id=f"incident {source}",
        source_id=source,
        release_id="base",
        level="alarm",
        opened=NOW - timedelta(hours=2),
        ended=NOW - timedelta(hours=1),
        threshold=None,
        verdict="anomaly",
        fault=None,
    )


def test_a_source_is_judged_by_its_own_incidents_and_its_share_of_the_budget(
    tmp_path: Path, exported_file: Path
) -> None:
    release = Release(Scorer.load(exported_file), exported_file)
    for place, source in enumerate(SOURCES):
        ends = np.array([(NOW - timedelta(minutes=90)).timestamp()])
        z = np.full((1, 4), place, np.float16)
        embedding_files.append(tmp_path, Embeddings(source, release.encoder, ends, z))
    file = plant_file(tmp_path, exported_file, false_alarms_per_week=3)
    board = Board()
    sources = tuple(SourceNow(each, each, "machine", "url", "x") for each in SOURCES)
    board.add(MachineNow("machine", "fan", 3, "always", "base", sources))
    of = Learnable(
        machine=file.machine[0],
        id="machine",
        live_id="base",
        base_id="base",
        base_path=exported_file,
        encoder=release.encoder,
        root_id="base",
    )
    learnables = Learnables(Roster(file), board, {"base": release}, lambda: NOW)
    found = learnables.ground(of, [stood(each) for each in SOURCES]).samples
    assert [each.source_id for each in found] == [*SOURCES]
    assert [[one.source_id for one in each.stood] for each in found] == [["left"], ["right"]]
    assert [float(each.hours[0].z[0, 0]) for each in found] == [0, 1]
    assert [each.budget_per_week for each in found] == [1.5, 1.5]
