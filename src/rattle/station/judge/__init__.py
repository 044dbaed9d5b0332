"""Judge windows: minutes, thresholds and incidents, by the budget.

    source_judge   a source's scores -> minutes, thresholds, stretches above a level
    incidents      the stretches of all sources of a machine -> one incident
    moments        the oddest minutes of those that raised nothing
    troubles       what is wrong with a source or its microphone -> incidents of its own kind
    making         the judge of a source: its share of the machine's budget, and what was stored

Begin with ``source_judge.SourceJudge``.
"""
