"""Remember what was heard: tables in a database, recordings, normal sound, embeddings in files.

``tables`` is the schema and ``migrations`` its history; the ``scribe`` is the only writer of what
ears tell. Begin with ``tables``.
"""
