"""The page about telling has the numbers and the words of the code."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import get_args

from tell_kit import NOON, PLANT

from rattle.station.config.told import About
from rattle.station.store.notices import EXPIRES
from rattle.station.tell.at_once import COMMON, WITHIN
from rattle.station.tell.channel import ID_HEADER, TIMEOUT_S
from rattle.station.tell.finding import GATHERED, REVIEW_AFTER, STAYS
from rattle.station.tell.message import Message, Told
from rattle.station.tell.outbox import FIRST_WAIT, HOUR, LONGEST_WAIT, MOST_AN_HOUR, SENDING

DOCS = Path(__file__).parents[3] / "docs" / "explanation"
PAGE = (DOCS / "telling.md").read_text("utf-8")


def test_its_numbers_are_those_of_the_code() -> None:
    assert timedelta(minutes=2) == SENDING
    assert timedelta(hours=1) == REVIEW_AFTER == HOUR == LONGEST_WAIT
    assert timedelta(minutes=5) == STAYS + timedelta(minutes=1)
    for said in (
        f"{GATHERED.seconds} s after an alarm began",
        f"more than {COMMON} incidents of machines within {WITHIN.seconds // 60} minutes",
        f"More than {MOST_AN_HOUR} messages an hour",
        f"within {TIMEOUT_S:g} s",
        f"tried again after {FIRST_WAIT.seconds} s, a minute, two",
        f"After {EXPIRES.total_seconds() / 3600:g} h it expires",
        f"`{ID_HEADER}`",
    ):
        assert said in " ".join(PAGE.split()), said


def test_it_names_all_that_one_can_be_told_of() -> None:
    first = PAGE.partition("## Not too much")[0].partition("|---")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", first, flags=re.M)) == set(get_args(About))


def test_its_example_has_the_keys_of_a_message() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, flags=re.S)
    body = {"title": "a", "text": "b", "link": "c", "incident": {}}
    message = Message("M", PLANT.plant, [Told("N", "alarm", NOON, body)])
    written, example = message.document(), json.loads(shown)
    assert list(written) == list(example)
    assert list(written["notices"][0]) == list(example["notices"][0])
