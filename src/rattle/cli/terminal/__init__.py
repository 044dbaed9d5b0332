"""Show long work and its results on a terminal: what the verbs beside this folder share.

``running`` runs one training and ``machines`` many, with ``progress``, ``grid_view`` and
``stopping``; ``hop_lines`` prints live sound, ``options`` says what to type after an error.
"""
