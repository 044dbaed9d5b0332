"""Turn embeddings of windows into a clip's score and a decision; numpy only.

``windows`` chooses which windows of a clip are looked at, ``head`` says of their embeddings how
anomalous they are, ``score`` is equation 5, ``clip`` the score of a clip, ``threshold`` decides,
``budget/`` for sound that goes on. Begin with ``clip``.
"""
