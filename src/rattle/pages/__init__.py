"""Write HTML pages: what the report and the experiments' page share.

``templates`` loads a template and escapes every name, by jinja2 alone; ``page.css`` is the style of
all pages. ``spectrogram`` draws a clip, by numpy and pillow alone, in the colours of ``palette``;
``drawing`` turns matplotlib's figures into inline SVG, where matplotlib is installed. Begin with
``templates``.
"""
