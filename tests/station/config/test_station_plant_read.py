"""A plant's file is read whole or refused whole, and no secret is told."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_plant_file import ENVIRONMENT, RIGHT, plant_of, refused, written_to

from rattle.errors import ConfigError
from rattle.station.config.model import Plant, keys_of
from rattle.station.config.read import read_plant

EVERYTHING_WRONG = """\
plant = "hall/3"
databse = "sqlite"
database = "mysql://user:s3cret@x"
bind = "127.0.0.1:1"
[web]
trusted_proxies = ["*"]
[keep]
clips = 20
[[machine]]
name = "a"
bundle = "~/x.rattle"
alarm = "5/3"
sources = [
  { name = "m", url = "env:NOT_SET", folder = "x" },
  { name = "M", push = { token = "" } },
]
[[machine]]
name = "A"
[[machine.sources]]
name = "q"
device = 1
"""


def test_paths_count_from_the_files_folder_and_secrets_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    folder = '{ name = "in", folder = "incoming" }, { name = "f", url = "a.wav" }'
    plant = plant_of(
        tmp_path, sources=f'sources = [{{ name = "cam", url = "env:PRESS3_URL" }}, {folder}]'
    )
    machine = plant.machine[0]
    assert plant.data == tmp_path / "rattle-station"
    assert machine.bundle == tmp_path / "bundles" / "press-3.rattle"
    camera, incoming, file = machine.sources
    assert camera.url is not None
    assert camera.url.get_secret_value() == ENVIRONMENT["PRESS3_URL"]
    assert camera.place == "rtsp://cam/1"
    assert incoming.folder == tmp_path / "incoming"
    assert file.place == str(tmp_path / "a.wav")


def test_all_that_is_wrong_is_told_at_once_with_line_and_key(tmp_path: Path) -> None:
    lines = refused(tmp_path, EVERYTHING_WRONG)
    told = [line.partition(": ")[0] for line in lines]
    assert told == [
        "line 1, plant",
        "line 2, databse",
        "line 3, database",
        "line 4, bind",
        "line 6, web.trusted_proxies[0]",
        "line 8, keep.clips",
        "line 11, machine[0].bundle",
        "line 12, machine[0].alarm",
        "line 14, machine[0].sources[0].url",
        "line 14, machine[0].sources[0]",
        "line 15, machine[0].sources[1].name",
        "line 15, machine[0].sources[1].push.token",
        "line 17, machine[1].bundle",
        "line 18, machine[1].name",
        "line 21, machine[1].sources[0].device",
    ]


def test_names_and_kinds_are_told_where_nothing_else_is_wrong(tmp_path: Path) -> None:
    doubled = RIGHT + RIGHT[RIGHT.index("[[machine]]") :]
    assert refused(tmp_path, doubled) == [
        "line 11, machine[1].name: another machine is called so; give each a name of its own",
        "line 13, machine[1].sources[0].name: another source is called so; give each a name of "
        "its own",
    ]
    assert refused(tmp_path, sources='sources = [{ name = "cam" }]') == [
        "line 9, machine[0].sources[0]: expected exactly one of device, url, folder, push, mqtt; "
        "found none of them"
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('bnid = "127.0.0.1:1"', "line 3, web.bnid: there is no such key; did you mean bind?"),
        (
            'speech = "keep"',
            "line 3, web.speech: there is no such key here; there is keep.speech",
        ),
        (
            "colour = 1",
            "line 3, web.colour: there is no such key; known here are bind, address, "
            "trusted_proxies",
        ),
    ],
)
def test_an_unknown_key_is_told_with_the_one_that_may_be_meant(
    line: str, told: str, tmp_path: Path
) -> None:
    assert refused(tmp_path, bind=line) == [told]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "the environment variable PRESS3_URL is not set"),
        ({"PRESS3_URL": ""}, "the environment variable PRESS3_URL is empty"),
    ],
)
def test_a_variable_that_is_not_set_is_told_with_its_key(
    environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=rf"machine\[0\]\.sources\[0\]\.url: {said}"):
        read_plant(written_to(tmp_path), environment)


@pytest.mark.parametrize(
    "line",
    [
        'database = "mysql://user:s3cret@host/db"',
        'database = "env:SECRET"',
        "database = { url = 's3cret' }",
        "clips = 'env:SECRET'",
        "bind = 'env:SECRET'",
    ],
)
def test_no_secret_is_told(line: str, tmp_path: Path) -> None:
    key = line.partition(" ")[0]
    text = 'database = "sqlite"\n' + RIGHT
    path = written_to(tmp_path, text, **{key: line})
    with pytest.raises(ConfigError) as error:
        read_plant(path, ENVIRONMENT | {"SECRET": "s3cret"})
    assert key in str(error.value)
    assert "s3cret" not in str(error.value)


def test_a_url_of_the_wrong_type_is_told_without_what_the_others_hold(tmp_path: Path) -> None:
    lines = refused(tmp_path, sources='sources = [{ name = "a", url = ["rtsp://u:s3cret@h"] }]')
    assert lines == ["line 9, machine[0].sources[0].url: expected a text in quotes; found a list"]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("alarm", '"3-5"', 'expected K/N with 1 <= K <= N <= 999, such as "3/5"; found "3-5"'),
        ("false_alarms_per_week", "0", "expected at least 0.01; found 0"),
        ("false_alarms_per_week", "nan", "expected a number; found nan"),
        ("false_alarms_per_week", "true", "expected a number; found true"),
        ("false_alarms_per_week", '"1"', 'expected a number; found "1"'),
        ("running", '"by ear"', "expected 'always', 'by level' or 'by tag'; found \"by ear\""),
        ("running_above_dbfs", "-200", "expected at least -120; found -200"),
    ],
)
def test_a_value_that_is_not_valid_is_told_with_what_was_expected(
    key: str, value: str, expected: str, tmp_path: Path
) -> None:
    (line,) = refused(tmp_path, name=f'name = "press-3"\n{key} = {value}')
    assert line == f"line 8, machine[0].{key}: {expected}"


@pytest.mark.parametrize("token", ["schlüssel", " spaced ", "four\n", "f\nur", "tab\t", "\x7f"])
def test_a_token_that_no_header_can_hold_is_refused_and_not_told(
    token: str, tmp_path: Path
) -> None:
    push = f"push = {{ token = {json.dumps(token)} }}"
    (line,) = refused(tmp_path, sources=f'sources = [{{ name = "a", {push} }}]')
    assert line.startswith("line 9, machine[0].sources[0].push.token: expected letters, digits")
    assert token.strip() not in line


def test_a_token_may_have_every_sign_of_ascii(tmp_path: Path) -> None:
    push = "push = { token = 'a-Z.0~!$%^&*()=+/ \"x' }"
    plant = plant_of(tmp_path, sources=f'sources = [{{ name = "a", {push} }}]')
    assert plant.machine[0].sources[0].push is not None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"plant = \n", "is not valid TOML: .*at line 1"),
        (b"a = " + b"[" * 100_000, "is not valid TOML"),
        (b"plant = '\xff'\n", "give a TOML file in UTF-8"),
    ],
)
def test_what_is_no_toml_is_told(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "plant.toml"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=said):
        read_plant(path)


def test_a_folder_and_a_missing_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_plant(tmp_path)
    with pytest.raises(ConfigError, match="there is no file"):
        read_plant(tmp_path / "no.toml")


@pytest.mark.parametrize(
    "address",
    [
        "rattle.example",
        "ftp://a",
        "https://a/b",
        "https://u:p@a",
        "https://[::1",
        "http://",
        "http://a..b",
        "http://a:99999",
    ],
)
def test_what_is_no_address_of_a_page_is_told(address: str, tmp_path: Path) -> None:
    (line,) = refused(tmp_path, bind=f'address = "{address}"')
    assert line.startswith("line 3, web.address: expected http:// or https:// and a host alone")


@pytest.mark.parametrize("bind", ["a..b:1", f"{'x' * 64}:1", "a:65536", "a", "[::1:80", ":80"])
def test_what_is_no_address_to_bind_to_is_told(bind: str, tmp_path: Path) -> None:
    (line,) = refused(tmp_path, bind=f'bind = "{bind}"')
    assert line.startswith("line 3, web.bind: expected ADDRESS:PORT")


@pytest.mark.parametrize("text", ["", "~/b.rattle", "x" * 256, "a/" * 2001, "a\\u0000b"])
def test_what_is_no_path_is_told(text: str, tmp_path: Path) -> None:
    (line,) = refused(tmp_path, bundle=f'bundle = "{text}"')
    assert re.match(r"line 8, machine\[0\]\.bundle: (expected a path|~ is not known)", line)
    (line,) = refused(tmp_path, sources=f'sources = [{{ name = "a", url = "{text}" }}]')
    assert line.startswith("line 9, machine[0].sources[0].url: ")


def test_the_mark_that_some_editors_begin_a_file_with_is_no_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "plant.toml"
    path.write_bytes(b"\xef\xbb\xbf" + RIGHT.encode())
    assert read_plant(path, ENVIRONMENT).plant == "hall-3"


def test_amounts_are_read_as_people_write_them(tmp_path: Path) -> None:
    plant = plant_of(tmp_path, clips='clips = "1.5 TB"\nembeddings = "2 weeks"')
    assert plant.keep.clips == 1_500_000_000_000
    assert plant.keep.embeddings == timedelta(days=14)


def test_normal_sound_is_kept_for_a_time_or_not_at_all(tmp_path: Path) -> None:
    assert plant_of(tmp_path).keep.sound == timedelta(days=30)
    none = plant_of(tmp_path, clips='clips = "1 MB"\nsound = "none"')
    assert none.keep.sound == timedelta(0)
    assert refused(tmp_path, clips='sound = "0 days"') == [
        'line 5, keep.sound: expected a time such as "30 days", at most "100 years", or "none"; '
        'found "0 days"'
    ]


LEAVES = st.one_of(
    st.integers(-5, 5), st.floats(), st.booleans(), st.text(max_size=5), st.just("env:PRESS3_URL")
)
NAMES = st.sampled_from(
    sorted({step for key, _ in keys_of(Plant) for step in key.split(".")} | {"a b", "é"})
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300)
@given(changes=st.dictionaries(NAMES, VALUES, max_size=4), inside=st.dictionaries(NAMES, VALUES))
def test_whatever_the_file_says_it_is_read_or_refused_in_words(
    changes: dict[str, Any], inside: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    machine = {"name": "m", "bundle": "b", "sources": [{"name": "s", "device": ""} | inside]}
    path = folder / "plant.toml"
    path.write_bytes(
        tomli_w.dumps({"plant": "p", "machine": [machine | inside]} | changes).encode()
    )
    try:
        plant = read_plant(path, ENVIRONMENT)
    except ConfigError as error:
        said = str(error)
        assert "s3cret" not in said
        assert "is not valid:\n" in said
        assert all(line.startswith("  line ") for line in said.splitlines()[1:])
    else:
        assert plant.machine
