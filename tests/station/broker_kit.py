"""A mosquitto of the test's own, and someone who listens to it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from here import lacking

PROGRAM = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
PATIENCE_S = 60.0


def waited_for(found: Callable[[], Any]) -> Any:
    """What is found, as soon as it is anything."""
    until = time.monotonic() + PATIENCE_S
    while not (result := found()):
        assert time.monotonic() < until, "it did not come in time"
        time.sleep(0.05)
    return result


@dataclass
class Mosquitto:
    """A broker on a port of its own, which forgets everything when it ends."""

    folder: Path
    password: str = ""
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        if PROGRAM is None:
            lacking("mosquitto is not installed")
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            self.port = int(trial.getsockname()[1])
        lines = [f"listener {self.port} 127.0.0.1", "persistence false"]
        if self.password:
            passwords = self.folder / "passwords"
            words = ["mosquitto_passwd", "-b", "-c", str(passwords), "rattle", self.password]
            subprocess.run(words, check=True, capture_output=True)
            passwords.chmod(0o644)
            lines += ["allow_anonymous false", f"password_file {passwords}"]
        else:
            lines.append("allow_anonymous true")
        if Path("/root").exists() and Path("/root").stat().st_uid == 0:
            lines.append("user root")  # else it becomes one who may not read the folder
        (self.folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        assert PROGRAM is not None
        words = [PROGRAM, "-c", str(self.folder / "mosquitto.conf")]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        waited_for(self._answers)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def close(self) -> None:
        if self.process is not None:
            self.kill()

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


@dataclass
class Listener:
    """Notes what is published, in its order; also what was retained when it came."""

    port: int
    came: list[tuple[str, Any]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = self._note
        self.client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()

    def _note(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if message.topic.endswith(("/pcm", "/set")):
            return
        with self.lock:
            self.came.append((message.topic, json.loads(message.payload or "null")))

    def of(self, topic: str) -> list[Any]:
        """Everything that came there."""
        with self.lock:
            return [facts for at, facts in self.came if at == topic]

    def last(self, topic: str) -> Any:
        """The newest that came there; None where nothing did."""
        return next(iter(reversed(self.of(topic))), None)

    def publish(self, topic: str, data: bytes | str) -> None:
        self.client.publish(topic, data, 1).wait_for_publish(PATIENCE_S)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
