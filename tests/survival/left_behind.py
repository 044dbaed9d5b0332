"""What commands leave in a folder, to be compared and to be looked over for harm."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from rattle import Detector
from rattle.runs.folder import RunFolder
from rattle.runs.outcome import Outcome, read_embeddings

# Of a bundle's provenance: when it was made, and the identity of a parent made at another time.
OF_ITS_TIME = ("created", "parent", "data_hash")


def left_in(folder: Path) -> dict[str, object]:
    """The content of each file by its path, but for what differs between any two runs."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): _comparable(path) for path in files}


def is_temporary(name: str) -> bool:
    """Whether a path is of something not yet in its place, which nothing reads."""
    return name.endswith(".part") or "filling-" in name


def read_all(folder: Path) -> None:
    """Read whatever is there as rattle reads it; fails where something is half-written."""
    for bundle in folder.rglob("*.rattle"):
        Detector.load(bundle)
    for checkpoint in folder.rglob("checkpoint.safetensors"):
        load_file(checkpoint)
    for outcome in folder.rglob("outcome.json"):
        Outcome.read(outcome)
        assert read_embeddings(RunFolder(outcome.parent).embeddings) is not None, outcome


def _comparable(path: Path) -> object:
    if path.suffix == ".rattle":
        with zipfile.ZipFile(path) as file:
            members: dict[str, Any] = {name: file.read(name) for name in file.namelist()}
        info = json.loads(members["bundle.json"])
        del info["hash"]
        for key in OF_ITS_TIME:
            del info["provenance"][key]
        return members | {"bundle.json": info}
    if path.name == "outcome.json":
        return {**json.loads(path.read_bytes()), "seconds": None}
    return path.read_bytes()
