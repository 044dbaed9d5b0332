"""Recognise MIMII and ToyADMOS as their authors published them, before DCASE made clips of them.

MIMII: ``-6_dB_fan/fan/id_00/normal/00000000.wav``, an archive a machine type and signal-to-noise
ratio; inside it ``fan/id_00/...``. The same machines come in each ratio, so the ratio is a set.

ToyADMOS: ``ToyCar/case1/NormalSound_IND/1100010001_ToyCar_case1_normal_IND_ch1_0001.wav``, a file
a microphone; faults are numbered (``ab01``); ``EnvironmentalNoise_CNT`` holds no machine.
"""

from __future__ import annotations

import re
from pathlib import Path

from rattle.clips.clip import KIND
from rattle.clips.entry import LayoutEntry, LeftOut
from rattle.clips.layouts.folders import Folders
from rattle.clips.machine import Machine

MIMII = "MIMII"
TOYADMOS = "ToyADMOS"

_RATIO = re.compile(r"(?P<ratio>-?\d+_dB)_(?P<type>\w+)", re.IGNORECASE)
_MIMII_ID = re.compile(r"id_\d\d")
_MIMII_NAME = re.compile(r"\d{8}")
_MIMII_TYPES = frozenset({"fan", "pump", "slider", "valve"})
_MIMII_CLASSES = {"normal": ("train", "normal"), "abnormal": ("test", "anomaly")}

_TOYADMOS_NAME = re.compile(
    r"\d+_(?P<type>Toy[A-Za-z]+)_(?P<case>case\d+)_(?P<state>normal|ab\w*?)_(?:IND|CNT)"
    r"_ch(?P<channel>\d+)_\d+",
)
_TOYADMOS_NOISE = "EnvironmentalNoise_CNT"


def recognise_published(folders: Folders) -> tuple[str, LayoutEntry | LeftOut] | None:
    """Recognise a file by its folders and name, with the layout's name; None for any other.

    Folders that say more than those of the set, such as ``test`` above, are none of it.
    """
    if len(folders.words) != 1 or folders.split:
        return None
    entry = _mimii(folders)
    if entry is not None:
        return MIMII, entry
    toy = _toyadmos(folders.path, folders.label)
    return None if toy is None else (TOYADMOS, toy)


def is_noise(path: Path) -> bool:
    """Tell whether a file is ToyADMOS noise of the surroundings."""
    return path.parent.name == _TOYADMOS_NOISE


def label_of_toyadmos(stem: str) -> str:
    """Give the label that a ToyADMOS file's name says; empty for another name."""
    name = _TOYADMOS_NAME.fullmatch(stem)
    return "" if name is None else "normal" if name["state"] == "normal" else "anomaly"


def _mimii(folders: Folders) -> LayoutEntry | None:
    path = folders.path
    class_, id_, type_ = path.parent, path.parent.parent, path.parent.parent.parent
    known = _MIMII_CLASSES.get(class_.name)
    if not known or not _MIMII_ID.fullmatch(id_.name) or not _MIMII_NAME.fullmatch(path.stem):
        return None
    # Some unpack an archive without its own folder for the type.
    ratio = _RATIO.fullmatch(type_.name) or _RATIO.fullmatch(type_.parent.name)
    machine = Machine(ratio["type"] if ratio else type_.name, id_.name)
    if machine.type not in _MIMII_TYPES:
        return None
    split, label = known
    above = [name for name in folders.above[:-2] if not _RATIO.fullmatch(name)]
    source_set = f"mimii{ratio['ratio']}" if ratio else "mimii"
    return LayoutEntry(
        path=path,
        source_set=source_set,
        machine=machine,
        split=split,
        label=label,
        place=class_,
        collection="-".join([*above, source_set] if ratio else above),
    )


def _toyadmos(path: Path, label: str) -> LayoutEntry | LeftOut | None:
    name = _TOYADMOS_NAME.fullmatch(path.stem)
    if name is None:
        return None
    is_normal = name["state"] == "normal"
    if label not in ("", label_of_toyadmos(path.stem)):
        return LeftOut(path, f"its name says {name['state']!r} and its folder {path.parent.name!r}")
    kind = "" if is_normal else f";{KIND}{name['state']}"
    return LayoutEntry(
        path=path,
        source_set="toyadmos",
        machine=Machine(name["type"], name["case"]),
        split="train" if is_normal else "test",
        label="normal" if is_normal else "anomaly",
        attributes=f"channel={name['channel']}{kind}",
        place=path.parent,
        collection="toyadmos",
    )
