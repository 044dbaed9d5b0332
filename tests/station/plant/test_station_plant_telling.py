"""The running plant tells what it hears: by a webhook and to a broker."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from broker_kit import Listener, Mosquitto
from plant_kit import Given, between, incident, plant_file, remember_minutes, started, waited_for
from tell_kit import Receiver

from rattle.errors import ConfigError
from rattle.station.config.told import Mqtt, Tell
from rattle.station.plant.station import Plant
from rattle.station.tell import finding


def test_an_alarm_that_is_heard_is_told_to_a_webhook_and_a_broker(
    tmp_path: Path,
    exported_file: Path,
    healthy: np.ndarray,
    odd: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(finding, "GATHERED", timedelta(0))
    receiver, mosquitto = Receiver(), Mosquitto(tmp_path)
    mosquitto.start()
    listener = Listener(mosquitto.port)
    tell = Tell(name="shift", url=receiver.url)  # type: ignore[arg-type]
    mqtt = Mqtt(url=f"mqtt://127.0.0.1:{mosquitto.port}")  # type: ignore[arg-type]
    file = plant_file(tmp_path / "data", exported_file)
    file = file.model_copy(update={"tell": (tell,), "mqtt": mqtt})
    remember_minutes(file, between(exported_file, healthy, odd))
    source = Given()
    plant = started(file, source)
    try:
        source.put(odd, source.put(healthy, datetime.now(UTC) - timedelta(minutes=2)))
        waited_for(lambda: receiver.taken)
        found = incident(plant)
        assert found is not None
        (notice, *_) = receiver.taken[0][1]["notices"]
        assert (notice["what"], notice["incident"]["id"]) == ("alarm", found.id)
        told = waited_for(lambda: listener.last("rattle/hall/fan/incident"))
        assert told["id"] == found.id
        waited_for(lambda: listener.last("rattle/hall/fan/state")["level"] == "alarm")
        waited_for(lambda: plant.health().channels[0].sent)
        health = plant.health()
        assert health.broker is not None
        assert health.broker.connected
    finally:
        plant.stop()
        waited_for(lambda: listener.last("rattle/hall/status")["status"] == "offline")
        listener.close()
        mosquitto.close()
        receiver.close()


def test_a_broker_and_a_server_that_are_away_keep_no_plant_from_hearing(
    tmp_path: Path, exported_file: Path, healthy: np.ndarray
) -> None:
    with socket.socket() as deaf:  # it takes connections, and never answers
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        port = deaf.getsockname()[1]
        tell = Tell(name="shift", url=f"http://127.0.0.1:{port}/")  # type: ignore[arg-type]
        mqtt = Mqtt(url=f"mqtt://127.0.0.1:{port}")  # type: ignore[arg-type]
        file = plant_file(tmp_path / "data", exported_file)
        source = Given()
        plant = started(file.model_copy(update={"tell": (tell,), "mqtt": mqtt}), source)
        try:
            source.put(healthy, datetime.now(UTC) - timedelta(minutes=2))
            waited_for(lambda: plant.board.machines()[0].sources[0].score is not None)
            assert plant.health().broker is not None
        finally:
            plant.stop()


def test_an_address_that_nothing_knows_is_refused_at_the_start(
    tmp_path: Path, exported_file: Path
) -> None:
    tell = Tell(name="shift", url="pigeon://coop/s3cret")  # type: ignore[arg-type]
    file = plant_file(tmp_path / "data", exported_file).model_copy(update={"tell": (tell,)})
    with pytest.raises(ConfigError, match="apprise knows no address pigeon://"):
        Plant(file).start()
    assert not (tmp_path / "data").exists()
