"""Writes docs/reference: commands, recipe keys and the station, from the code that defines them.

python docs/reference.py
"""

from __future__ import annotations

import inspect
import typing
from importlib import import_module
from pathlib import Path

from docstring_parser import parse
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from reference_station import station

from rattle.atomic import write_text
from rattle.cli import VERBS, name_of
from rattle.recipe import Recipe

FOLDER = Path(__file__).parent / "reference"


def commands() -> str:
    """Every verb with its parameters, as Markdown."""
    parts = ["# Commands\n\nWritten by `make docs` from `src/rattle/cli`; do not edit."]
    for verb in VERBS:
        function = getattr(import_module(f"rattle.cli.{name_of(verb)}"), name_of(verb))
        documented = parse(inspect.getdoc(function) or "")
        texts = {p.arg_name: " ".join((p.description or "").split()) for p in documented.params}
        summary = "\n\n".join(
            text for text in (documented.short_description, documented.long_description) if text
        )
        rows = [
            f"| {_name(p)} | {texts[p.name]} | {_default(p)} |"
            for p in inspect.signature(function).parameters.values()
        ]
        table = "\n".join(["| option | meaning | default |", "|---|---|---|", *rows])
        parts.append(f"## rattle {verb}\n\n{summary}\n\n{table}")
    parts.append(
        "Exit codes: 0 done; 1 done, but something was found or could not be read; 2 not done, the "
        "message says why; 130 interrupted."
    )
    return "\n\n".join(parts) + "\n"


def recipe_keys() -> str:
    """Every key of a recipe, as Markdown."""
    parts = [
        "# Recipe keys\n\nWritten by `make docs` from `src/rattle/recipe`; do not edit.\n\n"
        'A recipe is a TOML file. One that starts with `base = "small"` (or `"paper"`) states '
        'only what differs:\n\n```toml\nbase = "small"\nname = "longer"\n\n[training]\n'
        "iterations = 400\n```"
    ]
    top = [(n, f) for n, f in Recipe.model_fields.items() if not _parts_of(f)]
    parts.append(_keys("Top level", "", top))
    for name, field in Recipe.model_fields.items():
        for part in _parts_of(field):
            title = f"[{name}]"
            if len(_parts_of(field)) > 1:  # the name chooses the kind
                title += f' name = "{typing.get_args(part.model_fields["name"].annotation)[0]}"'
            keys = [(n, f) for n, f in part.model_fields.items() if f.description]
            parts.append(_keys(title, inspect.getdoc(part) or "", keys))
    return "\n\n".join(parts) + "\n"


def _keys(title: str, text: str, keys: list[tuple[str, FieldInfo]]) -> str:
    rows = [f"| `{name}` | {field.description} | {_field_default(field)} |" for name, field in keys]
    table = "\n".join(["| key | meaning | default |", "|---|---|---|", *rows]) if rows else ""
    return "\n\n".join(part for part in (f"## {title}", text, table) if part)


def _parts_of(field: FieldInfo) -> list[type[BaseModel]]:
    return _models(field.annotation)


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for kind in typing.get_args(annotation) for model in _models(kind)]


def _field_default(field: FieldInfo) -> str:
    return "required" if field.is_required() else f"`{field.default!r}`"


def _name(parameter: inspect.Parameter) -> str:
    positional = parameter.kind is parameter.POSITIONAL_ONLY
    dashed = parameter.name.replace("_", "-")
    return f"`{dashed.upper()}`" if positional else f"`--{dashed}`"


def _default(parameter: inspect.Parameter) -> str:
    if parameter.default is parameter.empty:
        return "required"
    unset = parameter.default is None or parameter.default is False
    return "" if unset else f"`{parameter.default}`"


if __name__ == "__main__":
    write_text(FOLDER / "cli.md", commands())
    write_text(FOLDER / "recipe.md", recipe_keys())
    write_text(FOLDER / "station.md", station())
