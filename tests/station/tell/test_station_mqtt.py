"""A real broker is told how the machines are, if it was there from the start or comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from broker_kit import Listener, Mosquitto, waited_for
from made_up_station import MadeUpStation

from rattle.station.config.model import Source
from rattle.station.config.told import Mqtt
from rattle.station.hear.push import PushInbox
from rattle.station.ids import new_id
from rattle.station.plant.telling import Telling
from rattle.station.records import IncidentChanged
from rattle.station.store import reviews
from rattle.station.store.tables import MachineRow
from rattle.station.store.writing import write
from rattle.station.tell import broker as broker_module
from rattle.station.tell.publishing import STATES_ANEW_EVERY_S, Publisher

ROOT = "rattle/hall-3"


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path)
    yield broker
    broker.close()


@dataclass
class Told:
    """The telling of the made-up plant, and what came of the broker's messages."""

    station: MadeUpStation
    port: int
    running: list[tuple[str, bool]] = field(default_factory=list)
    inboxes: dict[str, PushInbox] = field(default_factory=dict)
    user: str = ""
    name: str = ""
    # The machines that it hears, by id: all, where it is the only station.
    held: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        context = self.station.context
        if not self.name:
            self.held.update(self.station.machines.values())
        url = f"mqtt://{self.user}127.0.0.1:{self.port}"
        # What was pushed comes over MQTT.
        source = Source.model_validate({"name": "pump plc", "mqtt": {"channels": 1}})
        press, pump, fan = context.file.machine
        machines = (press, pump.model_copy(update={"sources": (source,)}), fan)
        mqtt = Mqtt.model_validate({"url": url, "home_assistant": True})
        plant = context.file.model_copy(update={"machine": machines, "mqtt": mqtt, "tell": ()})
        assert source.samples is not None
        self.inboxes["pump plc"] = PushInbox("pump plc", source.samples)
        self.telling = Telling(
            plant,
            [],
            context.database,
            context.board,
            self.held,
            station=self.name,
            now=lambda: datetime.now(UTC),
            full_disk=str,
            set_running=lambda machine, runs: self.running.append((machine, runs)),
            inboxes=self.inboxes,
        )
        self.telling.start()

    @property
    def broker(self) -> Any:
        return self.telling.broker

    def is_connected(self) -> bool:
        return bool(self.broker.connected)


@pytest.fixture
def telling(
    station: MadeUpStation, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    monkeypatch.setattr(broker_module, "LONGEST_WAIT_S", 1)
    made: list[Any] = []

    def make(name: str = "", *machines: str) -> Told:
        held = {station.machines[each] for each in machines}
        made.append(Told(station, mosquitto.port, name=name, held=held))
        return made[-1]  # type: ignore[no-any-return]

    yield make
    for each in made:
        each.telling.stop(6.0)


@pytest.fixture
def listening(mosquitto: Mosquitto) -> Iterator[Any]:
    made: list[Listener] = []

    def make() -> Listener:
        made.append(Listener(mosquitto.port))
        return made[-1]

    yield make
    for each in made:
        each.close()


def states(listener: Listener) -> dict[str, Any]:
    found = {
        what: listener.last(f"{ROOT}/press-3/{what}")
        for what in ("state", "score", "health", "model", "incident")
    }
    return found if all(found.values()) and listener.last(f"{ROOT}/fan-1/state") else {}


def test_a_broker_that_comes_after_the_station_is_told_everything(
    telling: Any, mosquitto: Mosquitto, listening: Any, station: MadeUpStation
) -> None:
    told = telling()
    waited_for(lambda: told.broker.error)
    assert (told.broker.connected, told.broker.error) == (False, "the broker does not answer")
    mosquitto.start()
    waited_for(told.is_connected)
    listener = listening()
    found = waited_for(lambda: states(listener))
    assert listener.last(f"{ROOT}/status") == {"v": 1, "status": "online"}
    alarm = station.incidents["open alarm"]
    assert found["state"] == {
        "v": 1,
        "operating": "running",
        "stage": "provisional",
        "level": "alarm",
        "incident": alarm,
    }
    assert found["score"]["score"] == 1.55
    assert found["health"]["heard"] is True
    assert [each["state"] for each in found["health"]["sources"]] == ["live", "unfit"]
    assert found["model"]["release"] == station.releases["press-3"]
    assert len(found["model"]["identity"]) == 64
    assert found["incident"]["id"] == alarm
    assert found["incident"]["link"] == f"http://127.0.0.1:8765/incidents/{alarm}"
    assert told.broker.error == ""


def test_a_broker_that_was_killed_and_forgot_everything_is_told_again(
    telling: Any, mosquitto: Mosquitto, listening: Any, station: MadeUpStation
) -> None:
    mosquitto.start()
    told = telling()
    listener = listening()
    waited_for(lambda: states(listener))
    mosquitto.kill()
    waited_for(lambda: not told.is_connected())
    assert "lost" in told.broker.error or "answer" in told.broker.error
    station.context.board.set_source(station.sources["press cam"], operating="idle")
    mosquitto.start()
    waited_for(told.is_connected)
    late = listening()
    assert waited_for(lambda: states(late))["state"]["operating"] == "idle"


def test_incidents_while_the_broker_is_away_come_in_their_order_the_newest_last(
    telling: Any, mosquitto: Mosquitto, listening: Any, station: MadeUpStation
) -> None:
    mosquitto.start()
    told = telling()
    waited_for(told.is_connected)
    waited_for(lambda: not told.telling._publisher._under_way and told.broker.published > 10)
    mosquitto.kill()
    waited_for(lambda: not told.is_connected())
    database, now = station.context.database, station.context.now()
    first, second = (incident(station, now + timedelta(minutes=number)) for number in (1, 2))
    with database.writing() as session:
        for each in (first, second):
            write(session, each)
        reviews.add(session, [station.incidents["fault"]], "unsure", "ann", now)
    told.telling.changed([second.id, first.id, station.incidents["fault"]])
    mosquitto.start()
    listener = listening()
    at = f"{ROOT}/press-3/incident"
    waited_for(lambda: (last := listener.last(at)) and last["id"] == second.id)
    ids = [each["id"] for each in listener.of(at)]
    expected = [station.incidents["fault"], first.id, second.id]
    heard = [each for each in dict.fromkeys(ids) if each in expected]
    # Who begins to listen may come after the first of them.
    assert heard == expected[-len(heard) :]
    assert listener.last(at)["state"] == "ended"


def incident(station: MadeUpStation, opened: datetime) -> IncidentChanged:
    machine = station.machines["press-3"]
    return IncidentChanged(
        id=new_id(opened),
        machine_id=machine,
        source_id=station.sources["press cam"],
        subject=machine,
        kind="machine",
        level="watch",
        state="ended",
        opened=opened,
        ended=opened,
        peak=2.0,
        peak_at=opened,
        peak_z=None,
        release_id=station.releases["press-3"],
        threshold_id=None,
        reason="",
    )


def test_a_change_is_published_and_what_stays_is_not(
    telling: Any, mosquitto: Mosquitto, listening: Any, station: MadeUpStation
) -> None:
    mosquitto.start()
    telling()
    listener = listening()
    waited_for(lambda: states(listener))
    before = len(listener.of(f"{ROOT}/fan-1/state"))
    station.context.board.set_machine(station.machines["press-3"], level=None, incident_id=None)
    waited_for(lambda: listener.last(f"{ROOT}/press-3/state")["level"] == "none")
    assert len(listener.of(f"{ROOT}/fan-1/state")) == before


def test_the_broker_says_that_a_station_is_gone_that_vanished_or_ended(
    telling: Any, mosquitto: Mosquitto, listening: Any
) -> None:
    mosquitto.start()
    told = telling()
    listener = listening()
    waited_for(lambda: listener.last(f"{ROOT}/status") == {"v": 1, "status": "online"})
    # The line is cut without a word.
    told.telling._broker._client.socket().shutdown(2)
    waited_for(lambda: {"v": 1, "status": "offline"} in listener.of(f"{ROOT}/status"))
    waited_for(lambda: listener.last(f"{ROOT}/status")["status"] == "online")
    told.telling.stop(6.0)
    waited_for(lambda: listener.last(f"{ROOT}/status")["status"] == "offline")


def heard_by(listener: Listener, station: MadeUpStation) -> dict[str, str]:
    """At which topic it is said whether each machine's station is there, by Home Assistant."""
    configs = {
        name: listener.last(f"homeassistant/sensor/rattle_{machine}_score/config")
        for name, machine in station.machines.items()
    }
    return {name: each["availability"][0]["topic"] for name, each in configs.items() if each}


ONE, TWO = f"{ROOT}/one:%2Fdata/status", f"{ROOT}/two:%2Fdata/status"


def test_of_two_stations_each_publishes_what_it_hears_and_says_that_it_is_there(
    telling: Any, mosquitto: Mosquitto, listening: Any, station: MadeUpStation
) -> None:
    mosquitto.start()
    one = telling("one:/data", "press-3")
    two = telling("two:/data", "pump 7", "fan-1")
    listener = listening()
    waited_for(lambda: states(listener) and len(heard_by(listener, station)) == 3)
    waited_for(lambda: listener.last(ONE) == listener.last(TWO) == {"v": 1, "status": "online"})
    assert heard_by(listener, station) == {"press-3": ONE, "pump 7": TWO, "fan-1": TWO}
    assert listener.of(f"{ROOT}/status") == []
    pump = f"{ROOT}/pump 7/state"
    before = len(listener.of(pump))
    for level in ("watch", None):
        station.context.board.set_machine(station.machines["pump 7"], level=level)
        waited_for(lambda said=level or "none": listener.last(pump)["level"] == said)
    assert len(listener.of(pump)) == before + 2  # by one of them alone
    two.telling._broker._client.socket().shutdown(2)  # cut without a word
    waited_for(lambda: {"v": 1, "status": "offline"} in listener.of(TWO))
    assert listener.of(ONE) == [{"v": 1, "status": "online"}] * len(listener.of(ONE))
    assert one.is_connected()


def test_who_takes_a_machine_over_publishes_all_of_it_and_home_assistant_keeps_it(
    telling: Any, mosquitto: Mosquitto, listening: Any, station: MadeUpStation
) -> None:
    mosquitto.start()
    one, two = telling("one:/data", "press-3"), telling("two:/data", "pump 7", "fan-1")
    listener = listening()
    waited_for(lambda: states(listener) and len(heard_by(listener, station)) == 3)
    press = station.machines["press-3"]
    for to, of, at in ((two, one, TWO), (one, two, ONE)):
        ids = {topic for topic, _ in listener.came if topic.startswith("homeassistant/")}
        of.held.discard(press)
        waited_for(lambda of=of: press not in of.telling._publisher._told)
        counts = {what: len(listener.of(f"{ROOT}/press-3/{what}")) for what in states(listener)}
        to.held.add(press)
        waited_for(lambda at=at: heard_by(listener, station)["press-3"] == at)
        for what, before in counts.items():
            waited_for(lambda w=what, b=before: len(listener.of(f"{ROOT}/press-3/{w}")) > b)
        assert {t for t, _ in listener.came if t.startswith("homeassistant/")} == ids
    assert listener.last(f"{ROOT}/press-3/incident")["id"] == station.incidents["open alarm"]


def leave(station: MadeUpStation, name: str) -> str:
    """Let a machine leave the plant; gives its id."""
    machine = station.machines[name]
    with station.context.database.writing() as session:
        session.get_one(MachineRow, machine).listed = False
    station.context.board.remove(machine)
    return machine


@pytest.mark.parametrize("while_it_runs", [True, False])
def test_of_a_machine_that_left_nothing_is_said_any_more(
    telling: Any,
    mosquitto: Mosquitto,
    listening: Any,
    station: MadeUpStation,
    *,
    while_it_runs: bool,
) -> None:
    mosquitto.start()
    told = telling()
    listener = listening()
    waited_for(lambda: states(listener))
    if while_it_runs:
        press = leave(station, "press-3")
    else:
        told.telling.stop(6.0)
        press = leave(station, "press-3")
        telling()

    def left(of: str) -> set[str]:
        late = listening()
        waited_for(lambda: late.last(f"{ROOT}/status") and late.last(f"{ROOT}/fan-1/model"))
        return {at for at, _ in late.came if of in at}

    waited_for(lambda: left(f"/rattle_{press}_") | left("/press-3/") == set())
    assert left(f"/rattle_{station.machines['fan-1']}_")


def test_states_are_published_again_every_ten_minutes_and_incidents_are_not(
    station: MadeUpStation,
) -> None:
    """A station that was asleep may have published old ones; an incident that comes is news."""
    came: list[str] = []
    clock = [0.0]

    class Taken:
        def is_published(self) -> bool:
            return True

    def publish(topic: str, _text: str) -> Taken:
        came.append(topic)
        return Taken()

    publisher = Publisher(
        "hall-3",
        "http://r",
        station.context.board,
        station.machines.values(),
        station.context.database,
        publish,
        status_at=f"{ROOT}/status",
        home_assistant=True,
        clock=lambda: clock[0],
    )
    publisher.publish_changes()
    first = set(came)
    assert f"{ROOT}/press-3/incident" in first
    for clock[0], expected in (
        (STATES_ANEW_EVERY_S - 1, set()),
        (STATES_ANEW_EVERY_S, {each for each in first if not each.endswith("/incident")}),
    ):
        came.clear()
        publisher.publish_changes()
        assert set(came) == expected


def test_what_comes_for_a_machine_of_another_station_is_no_fault(
    telling: Any, mosquitto: Mosquitto, listening: Any, station: MadeUpStation
) -> None:
    mosquitto.start()
    told = telling("one:/data", "press-3")
    waited_for(told.is_connected)
    told.inboxes.clear()
    board = station.context.board
    (pump,) = (each for each in board.machines() if each.name == "pump 7")
    board.add(replace(pump, id="another", name="mixer", sources=()))  # of another station's file
    other = listening()
    other.publish(f"{ROOT}/pump plc/pcm", bytes(32_000))
    other.publish(f"{ROOT}/mixer/running/set", "true")
    other.publish(f"{ROOT}/nobody/running/set", "true")
    waited_for(lambda: "there is no machine of that name" in told.broker.refusal)
    assert told.broker.refused == 1


def test_a_tag_says_whether_a_machine_runs(
    telling: Any, mosquitto: Mosquitto, listening: Any, station: MadeUpStation
) -> None:
    mosquitto.start()
    told = telling()
    waited_for(told.is_connected)
    other = listening()
    pump = station.machines["pump 7"]
    for text in ("true", "FALSE"):
        other.publish(f"{ROOT}/pump 7/running/set", text)
    waited_for(lambda: told.running == [(pump, True), (pump, False)])
    for at, text, said in (
        ("pump 7", "maybe", "expected true or false"),
        ("press-3", "true", 'set running = "by tag"'),
        ("nobody", "true", "there is no machine of that name"),
    ):
        other.publish(f"{ROOT}/{at}/running/set", text)
        waited_for(lambda said=said: said in told.broker.refusal)
    assert told.broker.refused == 3
    assert told.running == [(pump, True), (pump, False)]


def test_samples_come_over_the_broker(telling: Any, mosquitto: Mosquitto, listening: Any) -> None:
    mosquitto.start()
    told = telling()
    waited_for(told.is_connected)
    other = listening()
    inbox = told.inboxes["pump plc"]
    other.publish(f"{ROOT}/pump plc/pcm", bytes(32_001))  # half a sample too much
    other.publish(f"{ROOT}/pump plc/pcm", bytes(32_000))
    waited_for(lambda: inbox._seconds == 2.0)
    for _ in range(10):
        other.publish(f"{ROOT}/pump plc/pcm", bytes(32_000))
    waited_for(lambda: told.broker.refused == 2)
    assert "sound of pump plc was dropped" in told.broker.refusal


def test_home_assistant_finds_every_machine(
    telling: Any, mosquitto: Mosquitto, listening: Any, station: MadeUpStation
) -> None:
    mosquitto.start()
    telling()
    listener = listening()
    waited_for(lambda: states(listener))
    pump = station.machines["pump 7"]
    alarm = listener.last(f"homeassistant/binary_sensor/rattle_{pump}_alarm/config")
    assert alarm["unique_id"] == f"rattle_{pump}_alarm"
    assert alarm["state_topic"] == f"{ROOT}/pump 7/state"
    assert alarm["device"]["name"] == "pump 7"
    assert alarm["availability"][0]["topic"] == f"{ROOT}/status"
    found = {at for at, _ in listener.came if at.startswith("homeassistant/")}
    assert len(found) == 3 * 4


def test_a_broker_that_refuses_the_password_is_said_without_it(
    station: MadeUpStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_module, "LONGEST_WAIT_S", 1)
    mosquitto = Mosquitto(tmp_path, password="right")  # noqa: S106
    told: list[Told] = []
    try:
        mosquitto.start()
        users = (f"rattle:{each}@" for each in ("wr0ng", "right"))
        told.extend(Told(station, mosquitto.port, user=user) for user in users)
        wrong, right = told
        waited_for(right.is_connected)
        waited_for(lambda: wrong.broker.error)
        assert wrong.broker.error.startswith("the broker refuses: ")
        assert "wr0ng" not in str(wrong.broker)
    finally:
        for made in told:
            made.telling.stop(6.0)
        mosquitto.close()


def test_without_a_broker_nothing_waits(telling: Any, station: MadeUpStation) -> None:
    told = telling()
    for _ in range(1000):
        told.telling.changed([station.incidents["alarm"]])
    # With the newest of each machine, which a first connection is told of.
    assert len(told.telling._publisher._changed) <= 1 + len(station.machines)
    told.telling.stop(6.0)
    assert not told.is_connected()
