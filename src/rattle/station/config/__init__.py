"""Read ``plant.toml``, and say what is wrong with it before anything starts.

``model`` is what it holds, ``amounts`` how sizes and times are written. Begin with ``model.Plant``.
"""
