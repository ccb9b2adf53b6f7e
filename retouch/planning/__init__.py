"""Which stages run for an alert, why, in what order, at what cost. Pure.

Decides for each tier and each stage: run, may run or reuse; and whether a tier is worth its cost.
Same inputs, same bytes: time, history and commit are arguments. Touches nothing.
In: `VerifiedAlert`s, policy, pipeline, recorded costs and verdicts. Out: a `Plan`.
"""
