"""Read ``plant.toml``, and say what is wrong with it before anything starts.

``model`` is what it holds, with ``told`` for who is told; ``amounts``, ``quiet`` and ``texts`` are
how sizes, times and names are written. ``read`` reads a file; ``lines`` and ``problems`` say where
and what is wrong with its values. ``check`` tries what it names, with ``check_sources``,
``check_places`` and ``check_told``; ``init`` writes a first one, by ``written``. ``secret_parts``
takes its secrets out of what is told. Begin with ``read.read_plant``.
"""
