"""Recognise how people lay recordings out in folders, and list them as a manifest.

``scan`` walks a folder and asks each layout about each file: ``dcase`` (with ``dcase_names`` and
``dcase_tables``), ``published`` sets, then plain folders, whose names ``words`` knows, ``folders``
takes apart and ``plain`` reads together; a ``csv_file`` lists its files itself. ``collections``
tells sets side by side apart, ``readings`` says how each folder was read. Each file becomes an
``entry`` and, once opened, a row of the manifest. Begin with ``load_manifest``.
"""

from rattle.clips.layouts.readings import FolderReading
from rattle.clips.layouts.scan import Scan, load_manifest, load_outliers, scan

__all__ = ["FolderReading", "Scan", "load_manifest", "load_outliers", "scan"]
