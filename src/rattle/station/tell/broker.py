"""Hold the connection to a broker: paho's thread connects, and does so again when it was lost.

What is published while there is no connection is refused and not kept: who publishes does it again.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from threading import Lock, Thread
from typing import Any
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import Client, MQTTMessage, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from rattle.station.config.told import Mqtt
from rattle.station.health import BrokerNow
from rattle.station.tell.incoming import RefusedError

_log = logging.getLogger(__name__)

KEEPALIVE_S = 30
# Messages that the broker has not taken yet; the newest is refused, and published again later.
MOST_QUEUED = 100
LONGEST_WAIT_S = 30
AT_LEAST_ONCE = 1


class Broker:
    """A connection to a broker that comes and goes.

    ``take`` is given what comes at ``topics``, and ``ready`` is called when a connection is made,
    just before anything can be published by it; both in paho's thread.
    """

    def __init__(
        self,
        table: Mqtt,
        will: tuple[str, str],
        topics: Sequence[str],
        take: Callable[[str, bytes], None],
        ready: Callable[[], None],
        now: Callable[[], datetime],
    ) -> None:
        self._topics, self._take, self._ready, self._now = topics, take, ready, now
        self._address = table.address
        self._lock, self._is_ending = Lock(), False
        self._state = BrokerNow(table.place, since=now())
        self._client = client = Client(CallbackAPIVersion.VERSION2)
        client.suppress_exceptions = True  # one of ours is not to end paho's thread
        client.max_queued_messages_set(MOST_QUEUED)
        client.reconnect_delay_set(1, LONGEST_WAIT_S)
        client.will_set(*will, qos=AT_LEAST_ONCE, retain=True)
        split = urlsplit(table.url.get_secret_value())
        if split.username is not None:
            client.username_pw_set(unquote(split.username), unquote(split.password or ""))
        if split.scheme == "mqtts":
            client.tls_set_context(ssl.create_default_context())
        client.on_connect = self._connected
        client.on_connect_fail = self._failed
        client.on_disconnect = self._disconnected
        client.on_message = self._came

    @property
    def state(self) -> BrokerNow:
        """How it is."""
        return self._state

    def start(self) -> None:
        """Begin to connect; returns at once."""
        host, port = self._address
        self._client.connect_async(host, port, KEEPALIVE_S)
        self._client.loop_start()

    def stop(self, at: str, last: str, patience_s: float) -> None:
        """Publish a last message where it is connected, and end."""
        if self._state.connected:
            info = self._client.publish(at, last, AT_LEAST_ONCE, retain=True)
            if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                info.wait_for_publish(patience_s / 2)
        self._is_ending = True
        self._client.disconnect()
        # It may be in the middle of connecting to a host that does not answer.
        ending = Thread(target=self._client.loop_stop, name="mqtt ends", daemon=True)
        ending.start()
        ending.join(patience_s / 2)

    def publish(self, at: str, text: str) -> MQTTMessageInfo | None:
        """Publish a retained message; None where it was not taken, to be done again.

        What is returned says whether the broker has it; it never does where the connection is lost
        before.
        """
        if not self._state.connected:
            return None
        # Not under our lock: paho calls back under one of its own that this takes.
        info = self._client.publish(at, text, AT_LEAST_ONCE, retain=True)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return None
        with self._lock:
            self._state = replace(self._state, published=self._state.published + 1)
        return info

    def _connected(self, client: Client, _data: Any, _flags: Any, code: Any, _more: Any) -> None:
        if code.is_failure:
            self._is_away(f"the broker refuses: {code}")
            return
        for at in self._topics:
            client.subscribe(at, AT_LEAST_ONCE)
        # First, or what is published in between would be published twice.
        self._ready()
        with self._lock:
            self._state = replace(self._state, connected=True, since=self._now(), error="")

    def _failed(self, _client: Client, _data: Any) -> None:
        self._is_away("the broker does not answer")

    def _disconnected(self, client: Client, _data: Any, _flags: Any, code: Any, _more: Any) -> None:
        # Whoever published it does so again: it would come twice, and old after new.
        client.drop_out_messages()
        if self._state.connected:
            self._is_away(f"the connection was lost: {code}")

    def _is_away(self, why: str) -> None:
        with self._lock:
            is_new = self._state.connected or not self._state.error
            since = self._now() if self._state.connected else self._state.since
            self._state = replace(self._state, connected=False, since=since, error=why)
        if is_new and not self._is_ending:
            _log.warning("%s: %s; it is tried again", self._state.place, why)

    def _came(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        try:
            self._take(message.topic, bytes(message.payload))
        except RefusedError as refused:
            self._refuse(str(refused))
        except Exception as error:
            _log.exception("a message of the broker could not be taken")
            self._refuse(f"the station failed to take a message ({type(error).__name__})")

    def _refuse(self, why: str) -> None:
        with self._lock:
            is_new = why != self._state.refusal
            refused = self._state.refused + 1
            self._state = replace(self._state, refused=refused, refusal=why)
        if is_new:
            _log.warning("%s: %s", self._state.place, why)
