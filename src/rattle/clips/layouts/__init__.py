"""Recognise how people lay recordings out in folders, and list them as a manifest.

``scan`` walks a folder and asks each layout: ``dcase`` (with ``dcase_names`` and ``dcase_tables``),
``plain`` folders, a ``csv_file``. Each gives an ``entry`` a file. Begin with ``load_manifest``.
"""

from rattle.clips.layouts.scan import Scan, load_manifest, load_outliers, open_clip, scan

__all__ = ["Scan", "load_manifest", "load_outliers", "open_clip", "scan"]
