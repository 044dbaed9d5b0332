"""Recognise how people lay recordings out in folders, and list them as a manifest.

``scanning`` walks a folder and asks each layout about each file: ``dcase`` (with ``dcase_names``
and ``dcase_tables``), ``published`` sets, then plain folders, whose names ``words`` knows,
``folders`` takes apart and ``plain`` reads together; a ``csv_file`` lists its files itself.
``collections`` tells sets side by side apart, ``readings`` says how each folder was read. Each file
becomes an ``entry`` and, once opened, a row of the manifest. Begin with ``load_manifest``. ``said``
compares a file's layout with what someone calls it.

The names below are loaded when they are first used: ``said`` needs no manifest, and has none where
rattle is installed to score.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rattle.clips.layouts.readings import FolderReading
    from rattle.clips.layouts.scanning import Scan, load_manifest, load_outliers, scan

__all__ = ["FolderReading", "Scan", "load_manifest", "load_outliers", "scan"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("rattle.clips.layouts.scanning"), name)
