"""The documents of one checkout: alerts, policies, reports and score tables, read and written.

Touches `alerts/`, `policies/` and `reports/` of a checkout; decides nothing about what they say.
In: a root and an id. Out: the frozen models of the packages that decide.
"""
