"""Write a first ``plant.toml``: every key with its comment, a machine for each bundle.

The comments are the model's own descriptions, so that file and page of keys say the same.
"""

from __future__ import annotations

import re
import secrets
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from rattle.atomic import writing
from rattle.bundle import read_scoring_bundle
from rattle.bundle.file import SUFFIX
from rattle.errors import BundleError, ConfigError
from rattle.station.config.model import (
    Keep,
    Learn,
    Machine,
    Memory,
    Push,
    Samples,
    Source,
    Web,
)
from rattle.station.config.texts import LONGEST_NAME
from rattle.station.config.told import Mqtt, Tell
from rattle.station.config.written import written, written_example

WIDTH = 94
# What is added to a machine's name for its first source.
SOURCE = " sound"


@dataclass(frozen=True)
class NewMachine:
    """A machine to write: what it is called, and where its bundle is or will be."""

    name: str
    bundle: Path


@dataclass(frozen=True)
class Bundles:
    """The bundles of a folder: machines of those that a station can use, and why not of others."""

    machines: tuple[NewMachine, ...]
    left_out: tuple[str, ...]
    graphless: tuple[Path, ...]


def bundles_in(place: Path) -> Bundles:
    """Find bundles: ``place`` itself, or those in it or in its ``runs``; none may be there."""
    files = [place] if place.suffix == SUFFIX else []
    for folder in (place, place / "runs"):
        files = files or sorted(folder.glob(f"*{SUFFIX}"))
    machines, left_out, graphless = [], [], []
    for file in files:
        try:
            bundle = read_scoring_bundle(file)
        except BundleError as error:
            left_out.append(str(error))
            continue
        if bundle.info.recipe.baseline is not None:
            left_out.append(f"{file} is of a baseline, which does not listen")
            continue
        if bundle.graph is None:
            graphless.append(file)
        machines.append(NewMachine(bundle.info.machine, file))
    return Bundles(tuple(machines), tuple(left_out), tuple(graphless))


def refuse_existing(to: Path) -> None:
    """Raise ``ConfigError`` where there is a file already."""
    if to.exists():
        raise _is_there(to)


def write_first(
    to: Path,
    machines: Sequence[NewMachine],
    new_token: Callable[[], str] = lambda: secrets.token_urlsafe(24),
) -> None:
    """Write the plant's file; each machine's sound is pushed until someone says otherwise.

    The file holds tokens, so that only its owner reads it. Raises ``ConfigError`` where there is a
    file already, and ``StorageError`` where it cannot be written.
    """
    text = first_text(to, machines, new_token)
    with writing(to):
        try:
            to.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            raise _is_there(to) from None
        to.write_text(text, encoding="utf-8", newline="\n")


def _is_there(to: Path) -> ConfigError:
    return ConfigError(
        f"{to} is there already and stays as it is; rename it, or work in another folder"
    )


def first_text(to: Path, machines: Sequence[NewMachine], new_token: Callable[[], str]) -> str:
    """Write the text of a plant's file at ``to``, whose folder paths count from."""
    folder = to.absolute().parent
    environment = Environment(
        loader=PackageLoader("rattle", "station/config"),
        autoescape=select_autoescape(),  # TOML is not escaped as HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "comment": _comment,
        "example": written_example,
        "written": written,
    }
    names = _unique(_name(machine.name) for machine in machines)
    return environment.get_template("plant.toml.jinja").render(
        file=to.name,
        plant=_name(folder.name or "plant"),
        top=Memory.model_fields,
        tables={
            "web": Web.model_fields,
            "keep": Keep.model_fields,
            "learn": Learn.model_fields,
        },
        tell_fields=Tell.model_fields,
        mqtt_fields=Mqtt.model_fields,
        machine_fields=Machine.model_fields,
        source_fields=Source.model_fields,
        push_fields=Push.model_fields,
        samples_fields=Samples.model_fields,
        machines=[
            {
                "name": name,
                "bundle": _from(folder, machine.bundle),
                "source": f"{name[: LONGEST_NAME - len(SOURCE)]}{SOURCE}",
                "token": new_token(),
            }
            for name, machine in zip(names, machines, strict=True)
        ],
    )


def _from(folder: Path, path: Path) -> str:
    path = path.absolute()
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()


def _name(text: str) -> str:
    """Make a name of what a bundle or folder is called: ``fan/id_00`` is ``fan-id_00``."""
    name = re.sub(r"[^\w .-]+", "-", text).lstrip(" .-")
    return name[:LONGEST_NAME] or "machine"


def _unique(names: Iterable[str]) -> list[str]:
    unique: list[str] = []
    for name in names:
        taken = {each.casefold() for each in unique}
        number, free = 1, name
        while free.casefold() in taken:
            number += 1
            free = f"{name[: LONGEST_NAME - 5]} {number}"
        unique.append(free)
    return unique


def _comment(text: str) -> str:
    return "\n".join(f"# {line}" for line in textwrap.wrap(text, WIDTH))
