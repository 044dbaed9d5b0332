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


def recognise_published(path: Path) -> tuple[str, LayoutEntry | LeftOut] | None:
    """Recognise a file by its folders and name, with the layout's name; None for any other."""
    entry = _mimii(path)
    if entry is not None:
        return MIMII, entry
    toy = _toyadmos(path)
    return None if toy is None else (TOYADMOS, toy)


def _mimii(path: Path) -> LayoutEntry | None:
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
    source_set = f"mimii{ratio['ratio']}" if ratio else "mimii"
    return LayoutEntry(
        path=path,
        source_set=source_set,
        machine=machine,
        split=split,
        label=label,
        place=class_,
        collection=source_set,
    )


def _toyadmos(path: Path) -> LayoutEntry | LeftOut | None:
    if path.parent.name == _TOYADMOS_NOISE:
        return LeftOut(path, "ToyADMOS noise of the surroundings: no machine runs in it")
    name = _TOYADMOS_NAME.fullmatch(path.stem)
    if name is None:
        return None
    is_normal = name["state"] == "normal"
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
