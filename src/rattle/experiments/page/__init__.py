"""Make one HTML page of any set of runs, as ``rattle.runs`` reads them.

``series`` says which runs are compared and measures them, ``summary`` ranks models by machine;
``machine`` is what the page shows of one machine, of ``plots`` and ``embedding`` in the ``styles``
of the page. ``write`` puts all of it into HTML. Begin with ``write``.
"""
