"""Whatever fails and whenever it is killed: all is told, and twice only what a kill hid."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tell_kit import MACHINES, Clock, Hall, step

from rattle.station.config.told import Tell
from rattle.station.records import IncidentChanged
from rattle.station.store.database import open_database
from rattle.station.tell.at_once import AtOnce
from rattle.station.tell.channel import NotSentError
from rattle.station.tell.message import Message, Told
from rattle.station.tell.post import Post, Sender
from rattle.station.tell.words import Words


class KilledError(BaseException):
    """The process ends here."""


@dataclass
class Fickle:
    """A receiver that takes what it is sent, refuses it, or takes it and ends the station."""

    mood: str = "takes"
    taken: list[Message] = field(default_factory=list)
    kills: int = 0

    def send(self, message: Message) -> None:
        if self.mood == "refuses":
            raise NotSentError("not now")
        self.taken.append(message)
        if self.mood == "kills":
            self.mood = "takes"
            self.kills += 1
            raise KilledError


@dataclass
class Life:
    """A hall whose machines sound odd as the test says, and a post that may be killed."""

    hall: Hall
    fickle: Fickle
    quiet: str | None
    open: dict[str, IncidentChanged] = field(default_factory=dict)
    begun: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.post = self._post()

    def act(self, what: str, value: str) -> None:
        if what == "alarm" and value not in self.open:
            self.open[value] = alarm = self.hall.alarm(value)
            self.begun[alarm.id] = alarm.opened
        elif what == "end" and value in self.open:
            self.hall.end(self.open.pop(value))
        elif what == "mood":
            self.fickle.mood = value
        elif what == "wait":
            try:
                step(self.post, self.hall.clock, minutes=float(value))
            except KilledError:
                self.post = self._post()

    def end_well(self) -> None:
        for machine in MACHINES:
            self.act("end", machine)
        self.fickle.mood = "takes"
        for _ in range(30):
            self.act("wait", "20")

    def _post(self) -> Post:
        about = ["alarm", "ended"]
        facts = {"name": "shift", "url": "https://x", "about": about, "quiet": self.quiet}
        sender = Sender(Tell.model_validate(facts), self.fickle)
        words = Words("hall", "https://r", UTC)
        post = Post(self.hall.database, [sender], words, now=self.hall.clock)
        post.begin()
        return post


ACTS = st.one_of(
    st.tuples(st.just("alarm"), st.sampled_from(MACHINES)),
    st.tuples(st.just("end"), st.sampled_from(MACHINES)),
    st.tuples(st.just("mood"), st.sampled_from(("takes", "refuses", "kills"))),
    st.tuples(st.just("wait"), st.sampled_from(("1", "5", "30"))),
)


def notices_of(messages: list[Message]) -> Iterator[Told]:
    return (notice for message in messages for notice in message.notices)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(acts=st.lists(ACTS, max_size=40), quiet=st.sampled_from((None, "12:10-13:30")))
def test_all_is_told_and_twice_only_what_a_kill_hid(
    acts: list[tuple[str, str]], quiet: str | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = open_database("sqlite", Path(folder))
        life = Life(Hall.of(database, Clock()), Fickle(), quiet)
        for what, value in acts:
            life.act(what, value)
        life.end_well()
        (channel,) = life.post.channels
        database.close()
    assert (channel.waiting, channel.expired) == (0, 0)
    once = list({message.id: message for message in life.fickle.taken}.values())
    assert len(life.fickle.taken) - len(once) <= life.fickle.kills
    ids = [notice.id for notice in notices_of(once)]
    assert len(ids) == len(set(ids)) == channel.sent
    told = [(n.what, n.body["incident"]["id"]) for n in notices_of(once) if "incident" in n.body]
    assert len(told) == len(set(told))
    crowds = [
        AtOnce(datetime.fromisoformat(notice.body["begin"]))
        for notice in notices_of(once)
        if notice.what == "at once"
    ]
    for incident_id, begun in life.begun.items():
        is_alone = not any(crowd.covers(begun) for crowd in crowds)
        assert ("alarm", incident_id) in told or not is_alone
        assert (("ended", incident_id) in told) == (("alarm", incident_id) in told)
