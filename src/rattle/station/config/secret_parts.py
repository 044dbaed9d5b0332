"""Find the secrets of a plant's file, and take them out of what is told."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from pydantic import BaseModel, SecretStr

from rattle.listening.address import SHORTEST_SECRET, masked, secrets_in
from rattle.station.config.texts import WEBHOOKS
from rattle.station.config.told import Tell


def secrets_of(table: BaseModel) -> set[str]:
    """Find every secret of the configuration, and those within its addresses."""
    found: set[str] = set()
    for secret in _secrets(table):
        found |= {secret, *secrets_in(secret)}
    for tell in _tells(table):
        found |= parts_of_address(tell.url.get_secret_value())
    return {each for each in found - {"sqlite"} if len(each) >= SHORTEST_SECRET}


def parts_of_address(address: str) -> set[str]:
    """List the pieces of an address to tell to: a token may be its user, path or query.

    Of one of apprise's it may be the host as well.
    """
    scheme, _, rest = address.partition("://")
    if scheme.lower() in WEBHOOKS:
        found = re.fullmatch(r"(?:([^/?#]*)@)?[^/?#]*(.*)", rest)
        rest = "" if found is None else f"{found[1] or ''}{found[2]}"
    pieces = set(re.split(r"[/:@?&=,;#]+", rest))
    return {each for each in pieces | {unquote(each) for each in pieces} if _may_be_secret(each)}


def without(told: Any, secrets: Collection[str]) -> Any:
    """Replace the secrets wherever they stand: a program's last words may hold an address."""

    def cleaned(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {cleaned(key): cleaned(each) for key, each in value.items()}
        if isinstance(value, list):
            return [cleaned(each) for each in value]
        return masked(value, secrets) if isinstance(value, str) else value

    return cleaned(told)


def _may_be_secret(piece: str) -> bool:
    # A host's name, and words of the path, help to find what is wrong.
    return len(piece) >= 8 or (len(piece) >= SHORTEST_SECRET and not piece.isalpha())


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, tuple):
        for each in value:
            yield from _secrets(each)


def _tells(table: BaseModel) -> tuple[Tell, ...]:
    if isinstance(table, Tell):
        return (table,)
    tells: tuple[Tell, ...] = getattr(table, "tell", ())
    return tells
