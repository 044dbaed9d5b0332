"""Read ``plant.toml``; what is wrong with it is told all at once, each key with its line.

``read_plant`` reads all of it, ``read_memory`` where the plant is remembered, ``read_machine`` a
machine's table that is in no file, ``lines_by_key`` where each key stands. Secrets come from the
environment (``env:NAME``), paths count from the file's folder, and ``problems`` puts into words
what the model refuses.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from rattle.errors import ConfigError
from rattle.station.config import texts
from rattle.station.config.lines import Key, lines_of
from rattle.station.config.model import Machine, Memory, Plant
from rattle.station.config.problems import Problem, of_model, of_tables, shown_key

T = TypeVar("T", bound=Memory)
ENV = "env:"
# Keys that hold a path, by the last name of the key.
PATHS = ("data", "bundle", "folder")
DATA = str(Plant.model_fields["data"].default)


def read_plant(path: Path, environment: Mapping[str, str] = os.environ) -> Plant:
    """Read the file with its secrets and with absolute paths.

    Raises ``ConfigError`` that lists everything that is wrong, a line each; no secret is in it.
    """
    return _read(path, environment, Plant)


def read_memory(path: Path, environment: Mapping[str, str] = os.environ) -> Memory:
    """Read of the file where the plant is remembered; ``ConfigError`` as of ``read_plant``.

    Whoever looks there need not know the passwords of its cameras.
    """
    return _read(path, environment, Memory)


def read_machine(
    written: Mapping[str, Any], environment: Mapping[str, str] = os.environ
) -> Machine:
    """Read a machine's table that does not stand in the file; paths in it are absolute.

    Raises ``ConfigError`` that lists everything that is wrong, a line each; no secret is in it.
    """
    whole = {"plant": "plant", "machine": [dict(written)]}
    problems: list[Problem] = []
    values = _resolved((), whole, Path("/"), environment, problems)
    read = _validated(Plant, values, whole, problems)
    if read is None:
        keys = [(shown_key(problem.key[2:]), problem.message) for problem in problems]
        raise ConfigError("\n".join(f"{key}: {said}" if key else said for key, said in keys))
    return read.machine[0]


def lines_by_key(path: Path) -> dict[str, int]:
    """Say in which line each key stands, such as ``machine[2].bundle``.

    Raises ``ConfigError`` where the file cannot be read.
    """
    return {shown_key(key): line for key, line in lines_of(_text(path)).items()}


def _read(path: Path, environment: Mapping[str, str], table: type[T]) -> T:
    text = _text(path)
    try:
        written = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path} is not valid TOML: its lists nest too deeply") from None
    if table is not Plant:
        written = {key: value for key, value in written.items() if key in table.model_fields}
    problems: list[Problem] = []
    folder = path.absolute().parent
    values = _resolved((), {"data": DATA} | written, folder, environment, problems)
    read = _validated(table, values, written, problems)
    if read is None:
        lines = lines_of(text)
        told = sorted((_line(problem.key, lines), _told(problem, lines)) for problem in problems)
        raise ConfigError("\n".join([f"{path} is not valid:", *(f"  {line}" for _, line in told)]))
    return read


def _text(path: Path) -> str:
    try:
        # Some editors begin a file with a mark, which is no TOML.
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"there is no file {path}", argument="plant_file") from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read ({error}); give a TOML file in UTF-8") from None


def _resolved(
    key: Key, value: Any, folder: Path, environment: Mapping[str, str], problems: list[Problem]
) -> Any:
    """Copy ``value`` with what ``env:NAME`` stands for, and with paths from ``folder`` on."""
    if isinstance(value, dict):
        return {
            name: _resolved((*key, name), inner, folder, environment, problems)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [
            _resolved((*key, at), inner, folder, environment, problems)
            for at, inner in enumerate(value)
        ]
    if not isinstance(value, str):
        return value
    if value.startswith(ENV):
        value = _from_environment(key, value.removeprefix(ENV), environment, problems)
    if value is None or not (key[-1] in PATHS or _is_file_url(key, value)):
        return value
    return str(folder / value) if _is_path(key, value, problems) else value


def _is_file_url(key: Key, text: str) -> bool:
    return (
        key[0] == "machine"
        and key[-1] == "url"
        and bool(text)
        and "://" not in text
        and not text.startswith("-")
    )


def _from_environment(
    key: Key, name: str, environment: Mapping[str, str], problems: list[Problem]
) -> str | None:
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        problems.append(Problem(key, 'expected the name of a variable, as in "env:NAME"'))
    elif not environment.get(name):
        is_empty = name in environment
        problems.append(
            Problem(
                key,
                f"the environment variable {name} is {'empty' if is_empty else 'not set'}; "
                "set it where the station is started",
            )
        )
    else:
        return environment[name]
    return None


def _is_path(key: Key, text: str, problems: list[Problem]) -> bool:
    wrong = texts.path(text)
    if wrong:
        problems.append(Problem(key, wrong))
    return not wrong


def _validated(
    table: type[T], values: Any, written: Mapping[str, Any], problems: list[Problem]
) -> T | None:
    """Make the table; None where there are ``problems``, to which the model's are added."""
    read = None
    try:
        read = table.model_validate(values)
    except ValidationError as error:
        known = {problem.key for problem in problems}
        found = [*of_tables(written), *of_model(error, written)]
        problems += [problem for problem in found if problem.key not in known]
    return None if problems else read


def _above(key: Key) -> Iterator[Key]:
    return (key[:length] for length in range(len(key), 0, -1))


def _line(key: Key, lines: Mapping[Key, int]) -> int:
    return next((lines[each] for each in _above(key) if each in lines), 0)


def _told(problem: Problem, lines: Mapping[Key, int]) -> str:
    line = _line(problem.key, lines)
    at = f"line {line}, " if line else ""
    return f"{at}{shown_key(problem.key)}: {problem.message}"
