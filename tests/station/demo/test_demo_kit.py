"""The demo's kit: bundles that are whole, of one encoder, with what they heard before."""

from __future__ import annotations

import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from rattle.bundle import read_bundle
from rattle.errors import HeldError
from rattle.locked import locked
from rattle.runtime.scorer import Scorer
from rattle.scoring.budget.stages import LEARNT_AFTER_MINUTES
from rattle.station.demo.history import write_history
from rattle.station.demo.kit import history_of, pack, unpack
from rattle.station.demo.machines import MACHINES
from rattle.station.demo.run import demo_plant, run_demo
from rattle.station.ids import new_id
from rattle.station.store.database import open_database
from rattle.station.store.tables import MachineRow, MinuteRow, ReleaseRow


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    for machine in MACHINES:
        unpack(machine.name, folder / "bundles" / f"{machine.name}.rattle")
    return folder


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_a_bundle_of_the_kit_is_whole_and_scores_what_it_states(
    machine: object, unpacked: Path
) -> None:
    path = unpacked / "bundles" / f"{machine.name}.rattle"  # type: ignore[attr-defined]
    scorer = Scorer.load(path)
    scorer.verify()
    whole = read_bundle(path)
    assert whole.reference is not None
    assert whole.info.machine == machine.trained_as  # type: ignore[attr-defined]


def test_all_share_one_session(unpacked: Path) -> None:
    opened = [Scorer.load(path) for path in sorted((unpacked / "bundles").glob("*.rattle"))]
    assert len(opened) == len(MACHINES)
    assert len({id(scorer.graph) for scorer in opened}) == 1


def test_enough_was_heard_before_for_alarms_and_it_is_written_once(unpacked: Path) -> None:
    plant = demo_plant(unpacked, 0)
    for _ in range(2):
        write_history(plant, datetime.now(UTC))
    database = open_database("sqlite", plant.data)
    with database.reading() as session:
        rows = session.scalars(select(MinuteRow)).all()
    database.close()
    lengths = [len(history_of(machine.name)) for machine in MACHINES]
    assert len(rows) == sum(lengths)
    assert min(lengths) >= LEARNT_AFTER_MINUTES
    assert max(row.at for row in rows) < datetime.now(UTC)


def test_a_release_that_was_chosen_meanwhile_stays_in_use(tmp_path: Path, unpacked: Path) -> None:
    shutil.copytree(unpacked / "bundles", tmp_path / "bundles")
    plant = demo_plant(tmp_path, 0)
    write_history(plant, datetime.now(UTC))
    database = open_database("sqlite", plant.data)
    with database.writing() as session:
        machine = session.scalars(select(MachineRow)).first()
        assert machine is not None
        given = session.get_one(ReleaseRow, machine.live_release_id)
        chosen = new_id(datetime.now(UTC))
        session.add(
            ReleaseRow(
                id=chosen,
                machine_id=machine.id,
                identity="f" * 64,
                kind="head",
                encoder=given.encoder,
                path=given.path,
                parent_id=given.id,
                state="live",
                report={},
                created=datetime.now(UTC),
            )
        )
        session.flush()
        given.state, machine.live_release_id = "retired", chosen
    write_history(plant, datetime.now(UTC))
    with database.reading() as session:
        assert chosen in set(session.scalars(select(MachineRow.live_release_id)))
    database.close()


def test_what_is_packed_twice_is_kept_once_and_comes_out_as_it_was(
    tmp_path: Path, exported_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = tmp_path / "kit.zip"
    pack({"a": exported_file, "b": exported_file}, {"a": np.ones(3, np.float32)}, kit)
    with zipfile.ZipFile(kit) as packed, zipfile.ZipFile(exported_file) as bundle:
        members = [name for name in packed.namelist() if name.startswith("members/")]
        assert len(members) == len(bundle.namelist())
    monkeypatch.setattr("rattle.station.demo.kit.files", lambda _: tmp_path)
    unpack("b", tmp_path / "b.rattle")
    assert (tmp_path / "b.rattle").read_bytes() == exported_file.read_bytes()
    assert history_of("a").tolist() == [1, 1, 1]


def test_a_second_demo_in_one_place_is_refused_before_it_touches_anything(tmp_path: Path) -> None:
    with locked(tmp_path / "demo", "a demo"), pytest.raises(HeldError, match="a demo goes on"):
        run_demo(tmp_path, 0)
    assert list(tmp_path.iterdir()) == []
