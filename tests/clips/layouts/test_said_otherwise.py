"""What a name and folders say of a recording, beside what someone calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rattle.clips.layouts.said import contradiction
from rattle.clips.machine import Machine

FAN, PRESS = Machine("fan", "id_00"), Machine("press", "")
OTHERS = [Machine("fan@south", "id_00"), Machine("slider", "id_00"), Machine("pump", "")]


def said(given: str, below: str, machine: Machine = FAN, label: str = "anomaly") -> str:
    folder = Path("/plant") / given
    return contradiction(folder / below, folder, machine, label, OTHERS)


@pytest.mark.parametrize(
    ("given", "below", "expected"),
    [
        ("faults", "a.wav", ""),
        ("faults", "bearing/a.wav", ""),
        ("faults", "anomaly_id_00_00000001.wav", ""),
        ("faults", "id_00_00000001.wav", ""),
        ("faults", "normal_id_00_00000001.wav", "called normal by its name"),
        ("faults", "section_00_source_train_normal_0000_.wav", "of section_00 by its name"),
        ("faults", "anomaly_id_02_00000001.wav", "of id_02 by its name"),
        ("faults", "normal/a.wav", "called normal by its folder"),
        ("faults", "anomaly/a.wav", ""),
        ("faults", "press/normal/a.wav", "called normal by its folder"),
        ("fan/id_00/normal", "a.wav", "called normal by its folder"),
        ("fan/id_00/abnormal", "a.wav", ""),
        ("slider/test", "anomaly_id_00_00000001.wav", "of slider/id_00 by its folder"),
        ("fan/test", "anomaly_id_00_00000001.wav", ""),
        ("data", "pump/anomaly/a.wav", "of pump by its folder"),
        ("pump/anomaly", "a.wav", "of pump by its folder"),
        ("data", "unknown/anomaly/a.wav", ""),
    ],
)
def test_a_name_or_a_folder_may_say_otherwise(given: str, below: str, expected: str) -> None:
    assert said(given, below) == expected


def test_a_recording_that_is_named_itself_is_what_it_is_called() -> None:
    for path in (Path("/plant/fan/id_00/normal/a.wav"), Path("/x/normal_id_00_00000001.wav")):
        assert contradiction(path, path, FAN, "anomaly", OTHERS) == ""
    other = Path("/x/normal_id_02_00000001.wav")
    assert contradiction(other, other, FAN, "anomaly", OTHERS) == "of id_02 by its name"


def test_an_id_says_nothing_of_a_machine_that_has_none() -> None:
    assert said("faults", "anomaly_id_02_00000001.wav", PRESS) == ""
    assert said("new", "normal/a.wav", PRESS, "normal") == ""
    assert said("new", "anomaly/a.wav", PRESS, "normal") == "called anomaly by its folder"


def test_a_machine_of_the_same_name_in_another_set_is_another() -> None:
    north = Machine("fan@north", "id_00")
    assert said("data", "south/fan/id_00/anomaly/a.wav", north) == (
        "of fan@south/id_00 by its folder"
    )
    assert said("data", "north/fan/id_00/anomaly/a.wav", north) == ""


def test_a_word_for_a_fault_in_a_folders_name_says_otherwise() -> None:
    assert said("shift", "bad bearing/a.wav", PRESS, "normal") == "called anomaly by its folder"
    name = "1101010001_ToyCar_case1_ab01_IND_ch1_0001.wav"
    assert said("shift", name, PRESS, "normal") == "called anomaly by its name"


def test_a_kind_of_fault_beside_healthy_test_clips_says_otherwise(tmp_path: Path) -> None:
    for name in ("good", "scratch"):
        (tmp_path / "press" / "test" / name).mkdir(parents=True)
    given = tmp_path / "press" / "test"
    file = given / "scratch" / "a.wav"
    assert contradiction(file, given, PRESS, "normal", []) == "called anomaly by its folder"
    assert contradiction(file, given, PRESS, "anomaly", []) == ""
    assert contradiction(given / "good" / "a.wav", given, PRESS, "normal", []) == ""
