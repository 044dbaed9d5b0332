"""Read what a person wants to have enrolled: a machine's table, as ``plant.toml`` would have it.

Secrets are named and never stored: a token, and an address with a password in it, are ``env:NAME``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rattle.errors import ConfigError
from rattle.listening.address import without_secrets
from rattle.station.config.check_sources import source_findings
from rattle.station.config.model import Machine, Plant
from rattle.station.config.read import ENV, read_machine
from rattle.station.config.written import written

KINDS = ("device", "url", "folder", "push")


@dataclass(frozen=True)
class Wanted:
    """A new machine: its table without a bundle, the encoder, and how much is to be recorded.

    wanted_s: seconds of running sound. at_once: whether its detector is made by itself then.
    """

    table: Mapping[str, Any]
    encoder: str
    wanted_s: float
    at_once: bool


def machine_of(table: Mapping[str, Any], bundle: Path) -> Machine:
    """Read a machine's table; ``bundle`` is its own or, before there is one, another's.

    Raises ``ConfigError`` that says what is wrong, a line each.
    """
    return read_machine({**table, "bundle": str(bundle)})


def check(plant: Plant, table: Mapping[str, Any], bundle: Path, channel: int | str) -> Machine:
    """Read a new machine's table as ``machine_of``, and look whether its source can be opened.

    ``channel`` is what the encoder hears. Raises ``ConfigError`` as above.
    """
    wrong = list(_not_here(table))
    if wrong:
        raise ConfigError("\n".join(wrong))
    machine = machine_of(table, bundle)
    alone = plant.model_copy(update={"machine": (machine,)})
    found = source_findings(alone, {machine.name: channel})  # type: ignore[dict-item]
    errors = [each for each in found if each.level == "error"]
    if errors:
        raise ConfigError(
            "\n".join(f"{e.key.removeprefix('machine[0].')}: {e.message}" for e in errors)
        )
    return machine


def _not_here(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the file may say, and a page may not."""
    sources = table.get("sources") or []
    if len(sources) != 1:
        yield "sources: expected one source; more are given in plant.toml"
    for at, source in enumerate(sources):
        key = f"sources[{at}]"
        url, folder = source.get("url"), source.get("folder")
        if "mqtt" in source:
            yield f"{key}: expected one of {', '.join(KINDS)}; samples over MQTT take plant.toml"
        if isinstance(url, str) and not url.startswith(ENV) and url != without_secrets(url):
            yield (
                f'{key}.url: no password and no key is stored; expected "env:NAME", a variable of '
                "the address, set where the station is started"
            )
        token = (source.get("push") or {}).get("token")
        if token is not None and not str(token).startswith(ENV):
            yield (
                f'{key}.push.token: a token is not stored; expected "env:NAME", a variable that '
                "holds it where the station is started"
            )
        for name, path in (("url", url), ("folder", folder)):
            is_file = isinstance(path, str) and not path.startswith(ENV) and "://" not in path
            if is_file and not Path(str(path)).is_absolute():
                yield f"{key}.{name}: expected an absolute path, such as /srv/recordings"


def as_in_the_file(table: Mapping[str, Any], data: Path) -> str:
    """Write a machine's table as ``plant.toml`` would have it, to be copied there.

    >>> table = {"name": "fan", "bundle": "releases/1.rattle", "sources": [{"url": "env:CAM"}]}
    >>> print(as_in_the_file(table, Path("/data")))
    [[machine]]
    name = "fan"
    bundle = "/data/releases/1.rattle"
    <BLANKLINE>
    [[machine.sources]]
    url = "env:CAM"
    """
    bundle = {"bundle": str(data / str(table["bundle"]))} if "bundle" in table else {}
    own = {key: value for key, value in table.items() if key not in ("bundle", "sources")}
    parts = [_lines("[[machine]]", {"name": table["name"], **bundle, **own})]
    for source in table["sources"]:
        push = source.get("push")
        rest = {key: value for key, value in source.items() if key != "push"}
        parts.append(_lines("[[machine.sources]]", rest))
        if push is not None:
            parts.append(_lines("[machine.sources.push]", push))
    return "\n\n".join(parts)


def _lines(header: str, values: Mapping[str, Any]) -> str:
    return "\n".join([header, *(f"{key} = {written(value)}" for key, value in values.items())])
