"""State what ``plant.toml`` holds.

Every key has a description: the page of all keys and the comments of ``rattle station --init`` are
made of these. A text that begins with ``env:`` names an environment variable that holds the secret.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from rattle.station.config.amounts import Bytes, Time, read_bytes, read_time

# A word character first, then also spaces, dots and dashes: it stands in addresses and in files.
Name = Annotated[str, Field(pattern=r"^\w[\w .-]{0,63}$")]
SOURCE_KINDS = ("device", "url", "folder", "push")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Push(_Table):
    """How the samples are written that another program pushes."""

    encoding: Literal["s16le", "f32le"] = Field(
        "s16le", description="Type of a sample: 16-bit integers or 32-bit floats, little-endian."
    )
    sample_rate_hz: int = Field(16_000, ge=1000, le=384_000, description="Samples a second.")
    channels: int = Field(1, ge=1, le=64, description="Interleaved channels.")
    token: SecretStr = Field(description='What the program shows to be let in, best as "env:NAME".')


class Source(_Table):
    """One stream of a machine's sound: exactly one of device, url, folder and push."""

    name: Name = Field(description="What the source is called; once in a plant.")
    device: str | None = Field(
        None,
        description="A sound card's input: its number or part of its name; the default input "
        'where it is "".',
    )
    url: SecretStr | None = Field(
        None,
        description="What ffmpeg reads: rtsp://, http://, or a file, which is played once at its "
        'own speed. With a password best as "env:NAME".',
    )
    folder: Path | None = Field(
        None, description="A folder that recordings arrive in; each is heard once."
    )
    push: Push | None = Field(
        None, description="Samples that another program sends to /ingest/SOURCE."
    )

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        given = [kind for kind in SOURCE_KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(
                f"expected exactly one of {', '.join(SOURCE_KINDS)}; found "
                f"{' and '.join(given) or 'none'}"
            )
        return self

    @property
    def kind(self) -> Literal["device", "url", "folder", "push"]:
        """Which of the four it is."""
        for kind in ("device", "url", "folder"):
            if getattr(self, kind) is not None:
                return kind
        return "push"

    @property
    def place(self) -> str:
        """Where the sound comes from, without a password."""
        if self.url is not None:
            return re.sub(r"(?<=://)[^/?#]*@", "", self.url.get_secret_value()).split("?")[0]
        if self.folder is not None:
            return str(self.folder)
        return "default input" if self.device == "" else self.device or "pushed samples"


class Machine(_Table):
    """A machine that is listened to."""

    name: Name = Field(description="What the machine is called; once in a plant.")
    bundle: Path = Field(description="Its exported .rattle file, from this file's folder on.")
    false_alarms_per_week: float = Field(
        1.0, ge=0.01, le=1000, description="False alarms that are accepted, on average."
    )
    alarm: str = Field(
        "3/5",
        pattern=r"^[1-9]\d{0,2}/[1-9]\d{0,2}$",
        description="K/N: an incident begins when K of the last N windows passed the threshold.",
    )
    running: Literal["always", "by level", "by tag"] = Field(
        "always",
        description="How it is known that the machine runs; only then it is scored. By level: it "
        "is as loud as in its training clips. By tag: a program says so.",
    )
    running_above_dbfs: float | None = Field(
        None,
        ge=-120,
        le=0,
        description="By level: the level from which on it runs; without it 12 dB below the "
        "softest training clip.",
    )
    sources: tuple[Source, ...] = Field(min_length=1, description="Its streams of sound.")


class Web(_Table):
    """The page and its API."""

    bind: str = Field(
        "127.0.0.1:8765",
        pattern=r"^(\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5}$",
        description="Address and port. One that other machines reach needs an account first.",
    )
    address: str | None = Field(
        None,
        pattern=r"^https?://[^/?#]+$",
        description="How people reach the page, such as https://rattle.plant.example, where that "
        "is not what it binds to.",
    )
    trusted_proxies: tuple[str, ...] = Field(
        (), description="Addresses of reverse proxies whose X-Forwarded headers are believed."
    )


class Keep(_Table):
    """What is kept, and how much of it."""

    clips: Bytes = Field(
        read_bytes("20 GB"),
        description="Recordings of incidents. Above it the oldest that nobody reviewed go.",
    )
    embeddings: Time = Field(
        read_time("60 days"),
        description="What the encoder makes of the sound; 22 to 44 MB a source and day.",
    )
    scores: Time = Field(read_time("1 year"), description="Scores, minute by minute.")
    speech: Literal["drop", "keep"] = Field(
        "drop", description="What becomes of a recording in which someone speaks."
    )


class Plant(_Table):
    """The whole of ``plant.toml``."""

    plant: Name = Field(description="What the plant is called.")
    data: Path = Field(
        Path("rattle-station"),
        description="Folder for the database, recordings and embeddings, from this file's folder "
        "on.",
    )
    database: SecretStr = Field(
        SecretStr("sqlite"),
        description='"sqlite", or postgresql://USER:PASSWORD@HOST/NAME, best as "env:NAME".',
    )
    web: Web = Field(default_factory=Web, description="The page.")
    keep: Keep = Field(default_factory=Keep, description="What is kept.")
    machine: tuple[Machine, ...] = Field(min_length=1, description="The machines, one a table.")

    @field_validator("machine")
    @classmethod
    def _names_are_unique(cls, machines: tuple[Machine, ...]) -> tuple[Machine, ...]:
        for what, names in (
            ("machines", [machine.name for machine in machines]),
            ("sources", [source.name for machine in machines for source in machine.sources]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"two {what} are called {twice[0]}; give each a name of its own")
        return machines


def keys_of(table: type[BaseModel], prefix: str = "") -> list[tuple[str, Any]]:
    """List every key of a table and of those in it, with its field: ``web.bind`` and so on."""
    found: list[tuple[str, Any]] = []
    for name, field in table.model_fields.items():
        found.append((f"{prefix}{name}", field))
        inner = _table_in(field.annotation)
        if inner is not None:
            found += keys_of(inner, f"{prefix}{name}.")
    return found


def _table_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_table_in(each) for each in getattr(annotation, "__args__", ()))
    return next((each for each in inner if each is not None), None)
