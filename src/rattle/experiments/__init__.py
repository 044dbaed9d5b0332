"""Reproduce the paper's tables and figure from many models, each a task of a grid.

``experiment`` says what an experiment is, ``paper`` holds the three; ``plan`` lists their tasks and
``task`` runs one. ``table1``, ``table2`` and ``figure2`` go from outcomes to numbers, ``results``
and ``sheets`` from numbers to files. ``folder`` keeps an experiment's recipe and clips, ``page`` is
one HTML page of any set of runs. Begin with ``paper``.
"""
