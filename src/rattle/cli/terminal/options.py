"""Tell an error with the option that it is about: the library knows no option."""

from __future__ import annotations

from rattle.errors import RattleError

# What to type for an argument that a message of the library is about.
OPTIONS = {
    "account": "rattle station-account CONFIG NAME --role admin",
    "alarm": "--alarm K/N",
    "anomalies": "--anomalies",
    "budget": "--budget N",
    "bundle": "rattle train makes a bundle",
    "data": "--data FOLDER",
    "device": "--device auto",
    "false_alarms": "--false-alarms 0.05",
    "graph": "rattle export BUNDLE",
    "init": "--init FILE",
    "labels": "--labels CSV",
    "normals": "--normal",
    "out": "--out FOLDER",
    "outliers": "--outliers FOLDER",
    "ray": "--ray ADDRESS",
    "plant_file": "rattle station --init PLACE writes one",
    "piped": "... | rattle score BUNDLE -",
    "recipe": "--recipe NAME",
    "recordings": "rattle check FOLDER",
    "resume": "--resume",
    "seed": "--seed",
    "threads": "--threads",
    "track": "--track",
    "validation": "--validation",
    "workers": "--workers",
}


def told(error: RattleError) -> str:
    """Write the error's message, and behind it what to type: ``message (--out FOLDER)``."""
    return with_options(str(error), *error.arguments)


def with_options(message: str, *arguments: str) -> str:
    """Write behind a message what to type for what it is about; "" is nothing."""
    options = [OPTIONS[name] for name in arguments if name]
    return f"{message} ({', '.join(options)})" if options else message
