"""Draw and write HTML pages: what the report, the experiments' page and others share.

``templates`` fills a template and escapes every name; ``page.css`` is what pages look like.
``drawing`` makes matplotlib's figures part of a page, ``spectrogram`` draws a clip without
matplotlib. Begin with ``templates``.
"""
