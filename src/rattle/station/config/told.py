"""State who is told of what: the tables ``[[tell]]`` and ``[mqtt]``."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from rattle.station.config import texts
from rattle.station.config.quiet import quiet_hours
from rattle.station.config.table import Name, Secret, Table

About = Literal["alarm", "ended", "review", "source", "station", "report"]
# A report goes to who asks for it.
USUALLY: tuple[About, ...] = ("alarm", "ended", "review", "source", "station")
MQTT_PORTS = {"mqtt": 1883, "mqtts": 8883}


class Tell(Table):
    """Someone who is told: by mail, by a message to a telephone, by a webhook."""

    name: Name = Field(
        examples=["maintenance"],
        description="What the channel is called; once in a plant. What was told is known by it.",
    )
    url: Annotated[Secret, AfterValidator(texts.tell_url)] = Field(
        examples=["env:RATTLE_MAIL"],
        description="Where to: https:// or http:// gets JSON by POST; every other address is one "
        "of apprise's, such as mailtos://USER:PASSWORD@HOST?to=ADDRESS. With a password best as "
        '"env:NAME".',
    )
    quiet: Annotated[str, AfterValidator(quiet_hours)] | None = Field(
        None,
        examples=["22:00-06:00"],
        description="Hours in which nothing is sent, by the clock of the station's computer (TZ in "
        "a container). What happens in them is told at their end, in one message.",
    )
    about: tuple[About, ...] = Field(
        USUALLY,
        min_length=1,
        description="What it is told of. alarm: one began, or many machines sound odd at once. "
        "ended: the alarm is over, or the source is heard again. review: nobody has reviewed the "
        "alarm an hour later. source: one was lost, or not fit, for five minutes. station: no "
        "recording can be kept. report: the week that is over, on Monday at 7:00 by that clock.",
    )

    @property
    def kind(self) -> str:
        """What sends it, by the address: ``webhook``, ``mailtos`` and so on; no secret is in it."""
        scheme = self.url.get_secret_value().partition("://")[0].lower()
        return "webhook" if scheme in texts.WEBHOOKS else scheme


class Mqtt(Table):
    """A broker that is told of every machine's state, and tells tags and samples."""

    url: Annotated[Secret, AfterValidator(texts.mqtt_url)] = Field(
        examples=["env:RATTLE_MQTT"],
        description="mqtt://HOST, or mqtts://HOST with TLS; a port other than 1883 or 8883 behind "
        'a colon, user and password before an @. With a password best as "env:NAME".',
    )
    home_assistant: bool = Field(
        False,
        strict=True,
        description="Whether Home Assistant is told of the machines, so that it shows them by "
        "itself.",
    )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        split = urlsplit(self.url.get_secret_value())
        return split.hostname or "", split.port or MQTT_PORTS[split.scheme]

    @property
    def place(self) -> str:
        """Where it is, without a password."""
        host, port = self.address
        return f"{urlsplit(self.url.get_secret_value()).scheme}://{host}:{port}"
