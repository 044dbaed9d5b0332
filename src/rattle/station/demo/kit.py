"""Unpack the detectors of the demo plant, which ``benchmarks/demo_kit.py`` trained and packed.

    kit.zip
      members/HASH         what bundles are made of, each kept once: the encoder is the same in all
      NAME.json            which members a machine's bundle has
      history.safetensors  M of each minute heard before, float32 ``[T]``, by machine

Torch is not needed: the demo is for an installation that only listens.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from rattle.atomic import replacing
from rattle.bundle.file import ZIP_TIME

HISTORY = "history.safetensors"


def pack(bundles: Mapping[str, Path], history: Mapping[str, NDArray[np.float32]], to: Path) -> None:
    """Write a kit of bundles by machine, each with the minutes that were heard of it."""
    with replacing(to) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as kit:
        written: set[str] = set()

        def add(name: str, data: bytes) -> None:
            kit.writestr(zipfile.ZipInfo(name, ZIP_TIME), data, zipfile.ZIP_DEFLATED, 9)

        for machine, path in bundles.items():
            members = {}
            with zipfile.ZipFile(path) as bundle:
                for name in bundle.namelist():
                    data = bundle.read(name)
                    members[name] = hashlib.sha256(data).hexdigest()
                    if members[name] not in written:
                        written.add(members[name])
                        add(f"members/{members[name]}", data)
            add(f"{machine}.json", json.dumps(members, indent=1).encode())
        add(HISTORY, save(dict(history)))


def unpack(machine: str, to: Path) -> None:
    """Write the bundle of a machine of the kit."""
    with as_file(files("rattle.station.demo") / "kit.zip") as path, zipfile.ZipFile(path) as kit:
        members: dict[str, str] = json.loads(kit.read(f"{machine}.json"))
        with replacing(to) as beside, zipfile.ZipFile(beside, "w") as bundle:
            for name, member in members.items():
                bundle.writestr(zipfile.ZipInfo(name, ZIP_TIME), kit.read(f"members/{member}"))


def history_of(machine: str) -> NDArray[np.float64]:
    """Read the minutes that were heard of a machine before the demo began."""
    with as_file(files("rattle.station.demo") / "kit.zip") as path, zipfile.ZipFile(path) as kit:
        minutes: NDArray[np.float32] = load(kit.read(HISTORY))[machine]
    return minutes.astype(np.float64)
