"""Read what is remembered, as pages and API show it: frozen values, no rows.

``incidents`` with their reviews and recordings, ``minutes`` as a line over time, ``plant`` for what
is counted. Each function takes a session and only reads.
"""
