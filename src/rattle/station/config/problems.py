"""Put into words what is wrong with the values of ``plant.toml``.

What the model says of a value is what was expected; what was found is what the file says, never
what ``env:NAME`` stands for, and of a key that holds a secret nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from rattle.station.config.lines import Key
from rattle.station.config.model import (
    NO_BROKER,
    SOURCE_KINDS,
    Plant,
    holds,
    keys_of,
    kinds_wrong,
    name_wrong,
    second_of,
    table_in,
)
from rattle.station.config.table import OF_A_TABLE

LONGEST_FOUND = 60


@dataclass(frozen=True)
class Problem:
    """What is wrong with the value of a key."""

    key: Key
    message: str


def shown_key(key: Key) -> str:
    """Write a key as people do.

    >>> shown_key(("machine", 2, "sources", 0, "url"))
    'machine[2].sources[0].url'
    """
    parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in key)
    return _printable("".join(parts).removeprefix("."))


def of_model(error: ValidationError, written: Mapping[str, Any]) -> list[Problem]:
    """List what the model refuses in a file that says ``written``."""
    problems = []
    for found in error.errors():
        key = _key(found["loc"])
        # A list of tables that are all refused is too short for the model.
        is_empty = found["type"] != "too_short" or not _value(key, written)
        if found["type"] != OF_A_TABLE and is_empty:
            problems.append(Problem(key, _message(key, found, written)))
    return problems


def of_tables(written: Mapping[str, Any]) -> list[Problem]:
    """List names that stand twice, sources of no kind or of several, or without their broker.

    The model says these only where nothing else is wrong with the table.
    """
    machines = list(_tables(("machine",), written.get("machine")))
    sources = [
        each
        for key, machine in machines
        for each in _tables((*key, "sources"), machine.get("sources"))
    ]
    problems = []
    channels = list(_tables(("tell",), written.get("tell")))
    for what, tables in (("machine", machines), ("source", sources), ("channel", channels)):
        names = [table.get("name") for _, table in tables]
        problems += [
            Problem((*tables[at][0], "name"), name_wrong(what))
            for at in second_of([name if isinstance(name, str) else None for name in names])
        ]
    for key, source in sources:
        wrong = kinds_wrong([kind for kind in SOURCE_KINDS if kind in source])
        if wrong:
            problems.append(Problem(key, wrong))
        if "mqtt" in source and "mqtt" not in written:
            problems.append(Problem((*key, "mqtt"), NO_BROKER))
    return problems


def _tables(key: Key, values: Any) -> Iterator[tuple[Key, dict[str, Any]]]:
    if isinstance(values, list):
        for at, value in enumerate(values):
            if isinstance(value, dict):
                yield (*key, at), value


def _key(steps: tuple[int | str, ...]) -> Key:
    # Of a key that can be None too, pydantic may tell the type as a last step.
    return tuple(step for step in steps if isinstance(step, int) or "[" not in step)


def _message(key: Key, found: ErrorDetails, written: Mapping[str, Any]) -> str:
    if found["type"] == "missing":
        field = _field(key)
        return "is missing" if field is None else f"is missing. {field.description}"
    if found["type"] == "extra_forbidden":
        return _unknown(key)
    return f"{_expected(found)}{_found(key, written)}"


def _unknown(key: Key) -> str:
    """Say that there is no such key, and which may be meant."""
    name, table = str(key[-1]), _table(key[:-1])
    known = [] if table is None else list(table.model_fields)
    near = difflib.get_close_matches(name.casefold(), known, n=1)
    if near:
        return f"there is no such key; did you mean {near[0]}?"
    elsewhere = [each for each, _ in keys_of(Plant) if each.rpartition(".")[2] == name]
    if elsewhere:
        return f"there is no such key here; there is {' and '.join(elsewhere)}"
    return f"there is no such key; known here are {', '.join(known)}"


def _expected(found: ErrorDetails) -> str:
    words = EXPECTED.get(found["type"])
    if words is not None:
        return f"expected {words(found.get('ctx', {}))}"
    return found["msg"].removeprefix("Value error, ")


def _found(key: Key, written: Mapping[str, Any]) -> str:
    """Say what the file says at ``key``; "" where that is, or may be, a secret."""
    value = _value(key, written)
    if isinstance(value, str) and value.startswith("env:"):
        return f"; found something else in the environment variable {value.removeprefix('env:')}"
    field = _field(key)
    if field is not None and holds(field.annotation, SecretStr) and isinstance(value, str):
        return ""
    if isinstance(value, dict | list):
        return f"; found {'a table' if isinstance(value, dict) else 'a list' if value else 'none'}"
    if isinstance(value, str):
        return f'; found "{_printable(value[:LONGEST_FOUND])}"'
    return f"; found {str(value).lower() if isinstance(value, bool) else value}"


def _printable(text: str) -> str:
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def _value(key: Key, written: Mapping[str, Any]) -> Any:
    value: Any = written
    for step in key:
        value = value[step]
    return value


def _field(key: Key) -> Any:
    """Find the field of a key; None where there is none."""
    names = [step for step in key if isinstance(step, str)]
    return dict(keys_of(Plant)).get(".".join(names))


def _table(key: Key) -> type[BaseModel] | None:
    field = _field(key)
    if not key:
        return Plant
    return None if field is None else table_in(field.annotation)


def _of(words: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda context: words.format(**context)


EXPECTED = {
    "greater_than_equal": _of("at least {ge:g}"),
    "less_than_equal": _of("at most {le:g}"),
    "finite_number": _of("a number"),
    "float_type": _of("a number"),
    "int_type": _of("a whole number"),
    "literal_error": _of("{expected}"),
    "model_type": _of("a table"),
    "path_type": _of("a path in quotes"),
    "string_type": _of("a text in quotes"),
    "too_short": _of("at least one"),
    "tuple_type": _of("a list; one of tables is written [[machine]] or {{ }}, {{ }} in [ ]"),
}
