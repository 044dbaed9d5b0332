"""Hear a plant's sources: sound -> windows, each fit or not, of a machine that runs or not.

    sources    what plant.toml names -> device, url, folder, push
    listener   the thread of a source: connects, waits, connects again
    ear        a source's sound -> minutes, incidents, recordings, normal sound, embeddings; no
               thread, no clock
      segment     sound without a gap -> seconds and windows, by the clock
      ring        its last 90 s, from which recordings are cut
      keeping_sound  10 s of every ten minutes of normal sound
      showing     the board, and what open pages are told
      operating   does the machine run?
      condition   is the sound fit, is there any?
      minutes     what is kept of a minute
      moved       was the microphone moved?
    watchdog   a source that claims to be live and is not, told by another thread

Begin with ``ear.Ear``.
"""
