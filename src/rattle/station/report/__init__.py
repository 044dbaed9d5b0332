"""Report a week of the plant: what was heard, what stood out, what it was, what has changed.

``weeks`` are ISO weeks by the plant's clock, ``figures`` what a report holds, ``making`` reads it
from the database. ``said`` puts it into words, which ``written`` writes as text and as HTML for a
mail, and the page as its own. Begin with ``making.report_of``.
"""
