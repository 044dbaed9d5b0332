"""Read ``plant.toml``, and say what is wrong with it before anything starts.

``model`` is what it holds, ``amounts`` and ``texts`` are how sizes, times and names are written.
``read`` reads a file; ``lines`` and ``problems`` say where and what is wrong with its values.
``check`` tries what it names, with ``check_sources`` and ``check_places``; ``init`` writes a first
one, by ``written``. Begin with ``read.read_plant``.
"""
