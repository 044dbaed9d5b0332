"""A first plant's file says every key, and is right where the bundles are there."""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path

import pytest

from rattle.errors import ConfigError
from rattle.station.config.check import check
from rattle.station.config.init import NewMachine, bundles_in, first_text, write_first
from rattle.station.config.model import Keep, Learn, Machine, Plant, Samples, Web, keys_of
from rattle.station.config.read import read_plant
from rattle.station.config.told import Tell


def text_of(folder: Path, *machines: NewMachine) -> str:
    return first_text(folder / "plant.toml", machines, lambda: "a-token")


def test_a_first_file_for_bundles_is_one_that_check_accepts(
    tmp_path: Path, exported_file: Path
) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "fan.rattle").write_bytes(exported_file.read_bytes())
    bundles = bundles_in(tmp_path)
    assert bundles.left_out == bundles.graphless == ()
    write_first(tmp_path / "plant.toml", bundles.machines)
    plant = read_plant(tmp_path / "plant.toml")
    assert plant.machine[0].bundle == tmp_path / "runs" / "fan.rattle"
    # Whether the usual port is free is this machine's affair.
    assert [found for found in check(plant) if found.key not in ("web.bind", "keep.clips")] == []


def test_a_bundle_itself_and_a_folder_that_holds_some_are_taken(
    tmp_path: Path, exported_file: Path, bundle_file: Path
) -> None:
    assert bundles_in(exported_file).machines == (NewMachine("synth_fan/id_00", exported_file),)
    (tmp_path / "b.rattle").write_bytes(bundle_file.read_bytes())
    (tmp_path / "broken.rattle").write_bytes(b"no zip")
    found = bundles_in(tmp_path)
    assert found.machines == (NewMachine("synth_fan/id_00", tmp_path / "b.rattle"),)
    assert found.graphless == (tmp_path / "b.rattle",)
    (reason,) = found.left_out
    assert reason.startswith(f"{tmp_path / 'broken.rattle'} is not a whole rattle bundle")


def test_a_folder_without_bundles_has_none(tmp_path: Path) -> None:
    assert bundles_in(tmp_path).machines == ()


def test_every_key_is_there_with_its_description(tmp_path: Path) -> None:
    text = text_of(tmp_path, NewMachine("fan", tmp_path / "fan.rattle"))
    said = " ".join(line.removeprefix("# ") for line in text.splitlines())
    for key, field in keys_of(Plant):
        name = key.rpartition(".")[2]
        is_table = name in ("web", "keep", "learn", "tell", "machine") or key == "mqtt"
        if is_table:
            assert re.search(rf"^#? *\[?\[{name}\]", text, re.MULTILINE), key
            continue
        assert re.search(rf"(^#? *|{{ ){name} = ", text, re.MULTILINE), key
        if key != "machine.sources.name":  # the list says what each is called
            assert " ".join(str(field.description).split()) in said, key


@pytest.mark.parametrize("kind", ["push", "mqtt"])
def test_how_samples_are_written_is_shown_as_it_may_be_written(kind: str, tmp_path: Path) -> None:
    text = text_of(tmp_path, NewMachine("fan", tmp_path / "fan.rattle"))
    shown = re.findall(r"^#     (\w+ = .*)$", text.partition("# The machines.")[2], re.MULTILINE)
    keys = dict(line.split(" = ", 1) for line in shown)
    inner = [f"{key} = {keys[key]}" for key in Samples.model_fields]
    written = keys[kind].strip("{ }")
    source = f"{kind} = {{ {', '.join([*([written] if written else []), *inner])} }}"
    path = tmp_path / "plant.toml"
    path.write_text(
        f'plant = "p"\nmqtt = {{ url = "mqtt://b" }}\n[[machine]]\nname = "m"\nbundle = "b"\n'
        f'sources = [{{ name = "s", {source} }}]\n'
    )
    (found,) = read_plant(path, {"FAN2_TOKEN": "a-token"}).machine[0].sources
    assert found.kind == kind
    assert found.samples is not None
    assert (found.samples.encoding, found.samples.channels) == ("s16le", 1)


def test_a_file_with_every_key_taken_at_its_word_is_valid(tmp_path: Path) -> None:
    text = text_of(tmp_path, NewMachine("fan", tmp_path / "fan.rattle"))
    keys = [name for table in (Plant, Web, Keep, Learn, Machine) for name in table.model_fields]
    (tmp_path / "plant.toml").write_text(
        re.sub(rf"^# ({'|'.join(keys)}) = ", r"\1 = ", text, flags=re.MULTILINE)
    )
    plant = read_plant(tmp_path / "plant.toml")
    # An example is given for these; the others are their defaults.
    assert plant.web.address == "https://rattle.plant.example"
    assert plant.web.trusted_proxies == ("10.0.0.5",)
    assert plant.machine[0].running_above_dbfs == -45
    assert (plant.keep, plant.learn) == (Keep(), Learn())
    assert plant.machine[0].alarm == Machine.model_fields["alarm"].default


def test_who_is_told_is_shown_as_it_may_be_written(tmp_path: Path) -> None:
    text = text_of(tmp_path, NewMachine("fan", tmp_path / "fan.rattle"))
    before, _, rest = text.partition("# Who is told of alarms")
    told, _, machines = rest.partition("\n\n")
    shown = "\n".join(re.findall(r"^#     (.*)$", told, re.MULTILINE))
    (tmp_path / "plant.toml").write_text(f"{before}\n{shown}\n{machines}")
    secrets = {"RATTLE_MAIL": "mailtos://ann:secret@mail.example", "RATTLE_MQTT": "mqtt://broker"}
    plant = read_plant(tmp_path / "plant.toml", secrets)
    (tell,) = plant.tell
    assert (tell.name, tell.quiet, tell.kind) == ("maintenance", "22:00-06:00", "mailtos")
    assert tell.about == Tell.model_fields["about"].default
    assert plant.mqtt is not None
    assert plant.mqtt.address == ("broker", 1883)


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        ("fan/id_00", "fan-id_00"),
        ("press-3", "press-3"),
        ("fan@dcase2021/section_00", "fan-dcase2021-section_00"),
        ("..x", "x"),
        ("Größe 3", "Größe 3"),
        ("(?)", "machine"),
        ("m" * 90, "m" * 64),
    ],
)
def test_a_machine_is_called_as_its_bundle_says_in_letters_that_a_name_may_have(
    machine: str, name: str, tmp_path: Path
) -> None:
    path = tmp_path / 'a "b" \\c\n.rattle'
    write_first(tmp_path / "plant.toml", [NewMachine(machine, path)])
    found = read_plant(tmp_path / "plant.toml").machine[0]
    assert found.name == name
    assert found.bundle == path


def test_machines_of_one_name_are_told_apart(tmp_path: Path) -> None:
    machines = [NewMachine(name, tmp_path / "x.rattle") for name in ("fan/1", "Fan-1", "fan-1")]
    write_first(tmp_path / "plant.toml", [*machines, NewMachine("m" * 90, tmp_path / "x.rattle")])
    names = [machine.name for machine in read_plant(tmp_path / "plant.toml").machine]
    assert names == ["fan-1", "Fan-1 2", "fan-1 3", "m" * 64]


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "plant.toml"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="is there already and stays as it is"):
        write_first(path, [NewMachine("fan", path)])
    assert path.read_text() == "mine"


def test_the_file_is_its_owners_and_each_token_its_own(tmp_path: Path) -> None:
    path = tmp_path / "plant.toml"
    write_first(path, [NewMachine("a", path), NewMachine("b", path)])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    machines = tomllib.loads(path.read_text())["machine"]
    tokens = {machine["sources"][0]["push"]["token"] for machine in machines}
    assert len(tokens) == 2
    assert min(map(len, tokens)) >= 32
