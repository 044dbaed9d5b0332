"""Measure scored clips: figures, files, a report, a comparison.

``scoring`` has detectors score a manifest's test clips, as a table (``scored``). ``evaluate`` makes
an ``Evaluation`` of it, with the arithmetic in ``metrics`` and ``remarks`` on how to read it. That
becomes the files of the DCASE challenge (``dcase``) or an HTML page (``report``, with ``plots`` and
a choice of ``exemplars``). ``compare`` sets two detectors against each other on the same clips,
with the interval of ``delong``. Begin with ``evaluate.evaluate``.
"""
