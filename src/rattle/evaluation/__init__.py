"""From scored clips to figures, files and a report.

A table of scored clips (``scored``) becomes an ``Evaluation`` (``evaluate``, with the arithmetic in
``metrics``); that becomes a terminal table (``table``), DCASE files (``dcase``) or one HTML page
(``report``, with its ``plots`` and choice of ``exemplars``). Two tables of the same clips become a
comparison (``compare``, with the interval of ``delong``).
"""
