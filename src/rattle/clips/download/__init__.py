"""Download public data sets, verify them and unpack them.

``archives`` lists what there is, ``transfer`` fetches a file and goes on after a break, ``unpack``
trusts nothing in an archive. Begin with ``dcase2020``.
"""
