"""Tell an error with the option that it is about: the library knows no option."""

from __future__ import annotations

from rattle.errors import RattleError

# What to type for an argument that a message of the library is about.
OPTIONS = {
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
    if not error.arguments:
        return str(error)
    return f"{error} ({', '.join(OPTIONS[name] for name in error.arguments)})"
