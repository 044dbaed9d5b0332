"""State what ``plant.toml`` holds.

Every key has a description: the page of all keys and the comments of a first file are made of
these. A text that begins with ``env:`` names an environment variable that holds the secret.
What is wrong with a value is told by what was expected alone: ``read`` says what was found, and of
a secret nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from rattle.listening.address import without_secrets
from rattle.station.config import texts
from rattle.station.config.amounts import Bytes, Time, TimeOrNone, read_bytes, read_time
from rattle.station.config.table import Name, Secret, Table, of_a_table
from rattle.station.config.told import Mqtt, Tell

SOURCE_KINDS = ("device", "url", "folder", "push", "mqtt")


class Samples(Table):
    """How the samples are written that another program sends."""

    encoding: Literal["s16le", "f32le"] = Field(
        "s16le", description="Type of a sample: 16-bit integers or 32-bit floats, little-endian."
    )
    sample_rate_hz: int = Field(
        16_000, strict=True, ge=1000, le=384_000, description="Samples a second."
    )
    channels: int = Field(1, strict=True, ge=1, le=64, description="Interleaved channels.")


class Push(Samples):
    """How the samples are written that another program pushes, and what lets it in."""

    token: Annotated[Secret, AfterValidator(texts.token)] = Field(
        description="What the program shows to be let in: letters, digits and signs of ASCII. Best "
        'as "env:NAME".'
    )


class Source(Table):
    """One stream of a machine's sound: exactly one of device, url, folder, push and mqtt."""

    name: Name = Field(description="What the source is called; once in a plant.")
    device: str | None = Field(
        None,
        examples=["USB Audio"],
        description="A sound card's input: its number or part of its name; the default input "
        'where it is "".',
    )
    url: Secret | None = Field(
        None,
        examples=["env:PRESS3_URL"],
        description="What ffmpeg reads: rtsp://, http://, or a file, which is played once at its "
        'own speed. With a password best as "env:NAME".',
    )
    folder: Path | None = Field(
        None,
        examples=["incoming"],
        description="A folder that recordings arrive in; each is heard once.",
    )
    push: Push | None = Field(
        None, description="Samples that another program sends to /ingest/SOURCE."
    )
    mqtt: Samples | None = Field(
        None,
        description="Samples that another program publishes to rattle/PLANT/SOURCE/pcm of the "
        "broker in [mqtt]; whole samples in each message, 10 s of sound at most.",
    )

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        wrong = kinds_wrong([kind for kind in SOURCE_KINDS if getattr(self, kind) is not None])
        if wrong:
            raise of_a_table(wrong)
        return self

    @property
    def kind(self) -> Literal["device", "url", "folder", "push", "mqtt"]:
        """Which of the five it is."""
        for kind in ("device", "url", "folder", "push"):
            if getattr(self, kind) is not None:
                return kind
        return "mqtt"

    @property
    def samples(self) -> Samples | None:
        """How the samples are written that another program sends; None where none does."""
        return self.push or self.mqtt

    @property
    def place(self) -> str:
        """Where the sound comes from, without what may be a password."""
        if self.url is not None:
            return without_secrets(self.url.get_secret_value())
        if self.folder is not None:
            return str(self.folder)
        if self.mqtt is not None:
            return "samples over MQTT"
        return "default input" if self.device == "" else self.device or "pushed samples"


class Machine(Table):
    """A machine that is listened to."""

    name: Name = Field(description="What the machine is called; once in a plant.")
    bundle: Path = Field(description="Its exported .rattle file, from this file's folder on.")
    false_alarms_per_week: float = Field(
        1.0,
        strict=True,
        ge=0.01,
        le=1000,
        description="False alarms that are accepted, on average.",
    )
    alarm: Annotated[str, AfterValidator(texts.rule)] = Field(
        "3/5",
        description="K/N: an incident begins when K of the last N windows passed the threshold.",
    )
    running: Literal["always", "by level", "by tag"] = Field(
        "always",
        description="How it is known that the machine runs; only then it is scored. By level: it "
        "is as loud as in its training clips. By tag: a program says so.",
    )
    running_above_dbfs: float | None = Field(
        None,
        strict=True,
        ge=-120,
        le=0,
        examples=[-45.0],
        description="By level: the level from which on it runs; without it 12 dB below the "
        "softest training clip.",
    )
    sources: tuple[Source, ...] = Field(min_length=1, description="Its streams of sound.")


class Web(Table):
    """The page and its API."""

    bind: Annotated[str, AfterValidator(texts.bind)] = Field(
        "127.0.0.1:8765",
        description="Address and port. One that other machines reach needs an account first.",
    )
    address: Annotated[str, AfterValidator(texts.web_address)] | None = Field(
        None,
        examples=["https://rattle.plant.example"],
        description="How people reach the page, such as https://rattle.plant.example, where that "
        "is not what it binds to.",
    )
    trusted_proxies: tuple[Annotated[str, AfterValidator(texts.proxy)], ...] = Field(
        (),
        examples=[["10.0.0.5"]],
        description="Addresses of reverse proxies whose X-Forwarded headers are believed.",
    )


class Keep(Table):
    """What is kept, and how much of it."""

    clips: Bytes = Field(
        read_bytes("20 GB"),
        description="Recordings of incidents. Above it the oldest that nobody reviewed go.",
    )
    embeddings: Time = Field(
        read_time("60 days"),
        description="What the encoder makes of the sound; 22 to 44 MB a source and day.",
    )
    sound: TimeOrNone = Field(
        read_time("30 days"),
        description="Normal sound, for training: 10 s at random of every ten minutes; some 30 MB "
        'a source and day. "none" keeps none.',
    )
    scores: Time = Field(read_time("1 year"), description="Scores, minute by minute.")
    speech: Literal["drop", "keep"] = Field(
        "drop", description="What becomes of what is recorded in which someone speaks."
    )


class Learn(Table):
    """What becomes of a detector that has learnt from reviews."""

    policy: Literal["human", "gate"] = Field(
        "human",
        description='Who chooses it: a person, or the gate where it is "passed".',
    )


class Memory(Table):
    """What a plant is called, and where it is remembered."""

    plant: Name = Field(description="What the plant is called.")
    data: Path = Field(
        Path("rattle-station"),
        description="Folder for the database, recordings and embeddings, from this file's folder "
        "on.",
    )
    database: Annotated[Secret, AfterValidator(texts.database)] = Field(
        SecretStr("sqlite"),
        description='"sqlite", or postgresql://USER:PASSWORD@HOST/NAME, best as "env:NAME".',
    )


class Plant(Memory):
    """The whole of ``plant.toml``."""

    web: Web = Field(default_factory=Web, description="The page.")
    keep: Keep = Field(default_factory=Keep, description="What is kept.")
    learn: Learn = Field(default_factory=Learn, description="What is learnt from reviews.")
    tell: tuple[Tell, ...] = Field((), description="Who is told of alarms, one a table.")
    mqtt: Mqtt | None = Field(None, description="The broker.")
    machine: tuple[Machine, ...] = Field(min_length=1, description="The machines, one a table.")

    @property
    def address(self) -> str:
        """Where the page is reached, as far as the file says."""
        return self.web.address or f"http://{self.web.bind}"

    @field_validator("machine")
    @classmethod
    def _names_are_unique(cls, machines: tuple[Machine, ...]) -> tuple[Machine, ...]:
        names = [machine.name for machine in machines]
        sources = [source.name for machine in machines for source in machine.sources]
        for what, at in (("machine", second_of(names)), ("source", second_of(sources))):
            if at:
                raise of_a_table(name_wrong(what))
        return machines

    @field_validator("tell")
    @classmethod
    def _channels_are_unique(cls, tell: tuple[Tell, ...]) -> tuple[Tell, ...]:
        if second_of([each.name for each in tell]):
            raise of_a_table(name_wrong("channel"))
        return tell

    @model_validator(mode="after")
    def _has_a_broker(self) -> Self:
        sources = [source for machine in self.machine for source in machine.sources]
        if self.mqtt is None and any(source.mqtt for source in sources):
            raise of_a_table(NO_BROKER)
        return self


NO_BROKER = "takes a broker; add the table [mqtt] with its url"


def kinds_wrong(given: Collection[str]) -> str:
    """Say what is wrong with the kinds that a source is given; "" where it is one."""
    if len(given) == 1:
        return ""
    found = " and ".join(given) or "none of them"
    return f"expected exactly one of {', '.join(SOURCE_KINDS)}; found {found}"


def second_of(names: Sequence[object]) -> list[int]:
    """List the places of names that stood before; capitals tell no two names apart.

    >>> second_of(["fan", "pump", "Fan"])
    [2]
    """
    alike = [name.casefold() if isinstance(name, str) else name for name in names]
    return [at for at, name in enumerate(alike) if name is not None and name in alike[:at]]


def name_wrong(what: str) -> str:
    """Say that another ``what`` has that name."""
    return f"another {what} is called so; give each a name of its own"


def keys_of(table: type[BaseModel], prefix: str = "") -> list[tuple[str, Any]]:
    """List every key of a table and of those in it, with its field: ``web.bind`` and so on."""
    found: list[tuple[str, Any]] = []
    for name, field in table.model_fields.items():
        found.append((f"{prefix}{name}", field))
        inner = table_in(field.annotation)
        if inner is not None:
            found += keys_of(inner, f"{prefix}{name}.")
    return found


def table_in(annotation: Any) -> type[BaseModel] | None:
    """Find the table that a key of that type holds; None where it holds none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (table_in(each) for each in getattr(annotation, "__args__", ()))
    return next((each for each in inner if each is not None), None)


def holds(annotation: Any, kind: type) -> bool:
    """Tell whether a key of that type may hold a ``kind``."""
    inner = getattr(annotation, "__args__", ())
    return annotation is kind or any(holds(each, kind) for each in inner)
