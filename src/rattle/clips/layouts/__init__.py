"""Recognise how people lay recordings out in folders, and list them as a manifest.

``scan`` walks a folder and asks each layout about each file: ``dcase`` (with ``dcase_names`` and
``dcase_tables``), then ``plain`` folders; a ``csv_file`` lists its files itself. Each file becomes
an ``entry`` and, once opened, a row of the manifest. Begin with ``load_manifest``.
"""

from rattle.clips.layouts.scan import Scan, load_manifest, load_outliers, scan

__all__ = ["Scan", "load_manifest", "load_outliers", "scan"]
