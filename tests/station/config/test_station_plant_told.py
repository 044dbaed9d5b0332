"""What is wrong with [[tell]] and [mqtt] is said, each key with its line; no secret is."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up_plant_file import RIGHT, plant_of, refused

from rattle.listening.address import OUT
from rattle.station.config.check import check
from rattle.station.config.check_told import told_findings
from rattle.station.config.secret_parts import secrets_of, without

TELL = '[[tell]]\nname = "shift"\nurl = "https://hooks.example/s3cret-token"\n'
MQTT = '[mqtt]\nurl = "mqtt://ann:s3cret@broker.example:1884"\n'


def test_what_is_right_is_taken(tmp_path: Path) -> None:
    text = f'{TELL}quiet = "22:00-06:00"\nabout = ["alarm"]\n{MQTT}home_assistant = true\n{RIGHT}'
    # Keys of the top level stand first in TOML.
    head, rest = 'plant = "hall-3"\n', text.replace('plant = "hall-3"\n', "")
    plant = plant_of(tmp_path, head + rest)
    (tell,) = plant.tell
    assert (tell.kind, tell.about) == ("webhook", ("alarm",))
    assert plant.mqtt is not None
    assert plant.mqtt.address == ("broker.example", 1884)
    assert plant.mqtt.place == "mqtt://broker.example:1884"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[[tell]]\nurl = "https://a.example"', "tell[0].name: is missing."),
        ('[[tell]]\nname = "a"', "tell[0].url: is missing."),
        (f"{TELL}\n{TELL}", "tell[1].name: another channel is called so"),
        (f'{TELL}quiet = "22-6"', "tell[0].quiet: expected two different times of the day"),
        (f'{TELL}about = ["fire"]', "tell[0].about[0]: expected 'alarm', 'ended'"),
        (f"{TELL}about = []", "tell[0].about: expected at least one"),
        (f"{TELL}quite = 1", "tell[0].quite: there is no such key"),
        ('[[tell]]\nname = "a"\nurl = "s3cret"', "tell[0].url: expected https://HOST/PATH"),
        ('[[tell]]\nname = "a"\nurl = "https://"', "tell[0].url: expected https://HOST/PATH"),
        ('[[tell]]\nname = "a"\nurl = "http://h:99999/"', "tell[0].url: expected https://HOST"),
        ('[[tell]]\nname = "a"\nurl = "env:NOTHING"', "variable NOTHING is not set"),
        ('[mqtt]\nurl = "broker"', "mqtt.url: expected mqtt://HOST"),
        ('[mqtt]\nurl = "mqtt://h:0"', "mqtt.url: expected mqtt://HOST"),
        ('[mqtt]\nurl = "mqtt://u:p[w@host"', "mqtt.url: expected mqtt://HOST"),
        ('[mqtt]\nurl = "mqtt://[:]"', "mqtt.url: expected mqtt://HOST"),
        ('[mqtt]\nurl = "mqtt://[1.2]"', "mqtt.url: expected mqtt://HOST"),
        ('[mqtt]\nurl = "mqtt://a:s3c@ret@h"', "mqtt.url: expected mqtt://HOST"),
        (f'{MQTT}home_assistant = "yes"', "mqtt.home_assistant: "),
        ("[mqtt]", "mqtt.url: is missing."),
        ("mqtt = 3", "mqtt: expected a table; found 3"),
    ],
)
def test_each_wrong_key_is_named(more: str, said: str, tmp_path: Path) -> None:
    first, _, rest = RIGHT.partition("\n")
    (line,) = refused(tmp_path, f"{first}\n{more}\n{rest}")
    assert said in line
    assert "s3c" not in line


def test_a_source_over_mqtt_takes_a_broker(tmp_path: Path) -> None:
    sources = 'sources = [{ name = "plc", mqtt = { sample_rate_hz = 8000 } }]'
    (line,) = refused(tmp_path, sources=sources)
    assert line.endswith(
        "machine[0].sources[0].mqtt: takes a broker; add the table [mqtt] with its url"
    )
    first, _, rest = RIGHT.partition("\n")
    (source,) = plant_of(tmp_path, f"{first}\n{MQTT}{rest}", sources=sources).machine[0].sources
    assert (source.kind, source.place) == ("mqtt", "samples over MQTT")
    assert source.samples is not None
    assert source.samples.sample_rate_hz == 8000


def test_an_address_that_apprise_does_not_know_is_found(tmp_path: Path) -> None:
    first, _, rest = RIGHT.partition("\n")
    more = "".join(
        f'[[tell]]\nname = "{name}"\nurl = "{url}"\n'
        for name, url in (
            ("mail", "mailtos://ann:pw@mail.example?to=bob@plant.example"),
            ("pigeon", "pigeon://coop/s3cret"),
            ("half", "tgram://s3cret"),
        )
    )
    plant = plant_of(tmp_path, f"{first}\n{more}{rest}")
    pigeon, half, link = told_findings(plant)
    assert (pigeon.level, pigeon.key) == ("error", "tell[1].url")
    assert pigeon.message.startswith("apprise knows no address pigeon://")
    assert half.key == "tell[2].url"
    assert (link.level, link.key) == ("warning", "web.address")
    assert "s3cret" not in str([pigeon, half])
    assert {pigeon, half, link} <= set(check(plant))


def test_every_part_of_an_address_that_may_be_secret_is_hidden(tmp_path: Path) -> None:
    first, _, rest = RIGHT.partition("\n")
    telegram = (
        '[[tell]]\nname = "t"\nurl = "tgram://110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"\n'
    )
    plant = plant_of(tmp_path, f"{first}\n{TELL}{telegram}{MQTT}{rest}")
    said = (
        "hooks.example said: no s3cret-token; 110201543 AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw s3cret"
    )
    assert without(said, secrets_of(plant)) == f"hooks.example said: no {OUT}; {OUT} {OUT} {OUT}"
