"""Recognise a file in a plain folder: ``<machine>/<class>`` or ``<type>/<id>/<class>``."""

from __future__ import annotations

import re
from pathlib import Path

from rattle.clips.entry import LayoutEntry
from rattle.clips.machine import Machine

# Folder or folders of a class, lower case -> split and label.
CLASSES = {
    ("normal",): ("train", "normal"),
    ("train",): ("train", "normal"),
    ("train", "normal"): ("train", "normal"),
    ("train", "anomaly"): ("train", "anomaly"),
    ("train", "abnormal"): ("train", "anomaly"),
    ("anomaly",): ("test", "anomaly"),
    ("abnormal",): ("test", "anomaly"),
    ("test",): ("test", "unknown"),
    ("test", "normal"): ("test", "normal"),
    ("test", "anomaly"): ("test", "anomaly"),
    ("test", "abnormal"): ("test", "anomaly"),
}
_ID = re.compile(r"(?:id|section)_\d+")


def recognise_plain(path: Path, root: Path) -> LayoutEntry | None:
    """Recognise a file under ``root`` by its folders; None when these name no class.

    The folders above the class name the machine: one level is a machine without id, two are type
    and id. ``root`` itself may be the machine's folder or, above folders such as ``id_00``, the
    type's. Folders below the class are free (``press-3/normal/2024-05-02/a.wav``).
    """
    folders = path.parent.relative_to(root).parts
    lower = [folder.lower() for folder in folders]
    start = next((i for i, folder in enumerate(lower) if (folder,) in CLASSES), None)
    if start is None or start > 2:
        return None
    pair, single = tuple(lower[start : start + 2]), (lower[start],)
    split, label = CLASSES.get(pair) or CLASSES[single]
    levels = folders[:start] or (root.name,)
    if len(levels) == 1 and _ID.fullmatch(levels[0]):
        above = root.name if start else root.parent.name
        levels = (above, *levels)
    machine = Machine(levels[0], levels[1] if len(levels) == 2 else "")
    return LayoutEntry(path, "site", machine, split, label)
