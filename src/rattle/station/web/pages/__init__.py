"""What people look at: pages that are made here, and read well without scripts.

    shell       what every page has around its own part
    wall, machine, incidents, incident, queue, health, settings, login, errors    a page each
    verdicts    takes what the pages' forms send
    states, happened, promise, amounts_said    what is said, in words
    curves, course, sounds, explanation        what is drawn and played

A page is a view, a frozen value made of what is remembered and of this moment, and a template that
shows it. ``../static`` adds what is live. Begin with ``routes``.
"""
