"""Say what in a clip's sound differs from a machine's healthy clips; numpy only.

``reference`` keeps what the healthy clips sound like, ``differences`` finds what another clip has
of its own, most unusual first, and ``sentence`` says it. Each kind of difference is a module:
``lines``, ``moved``, ``pulses``, ``bands``, ``times``. Begin with ``differences``.
"""
