"""Raise alarms within a budget: so many false ones a week, and say how sure that is; numpy only.

``rule`` is the statistic (K of the last N windows), ``minutes`` its maximum over each minute and
the incidents in them, ``peaks`` one value an incident, ``pareto`` how their sizes are spread,
``fit`` the threshold, ``stages`` how long a machine was heard. Begin with ``judge.Judge``, which
takes a score after another and joins them; the station and ``rattle listen`` share it.
"""
