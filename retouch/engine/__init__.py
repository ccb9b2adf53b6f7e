"""The verbs on one checkout: plan, run, judge, report, intake, status, import, submit.

Orders the packages that decide and those that touch the world; holds no rule of its own.
In: a `Project` (a checkout), files, settings. Out: the documents of `alerts/` and `reports/`.
"""
