"""Versions and stages of a model, and what should happen next. Pure.

Decides what is in production, what merging a validated model brings about, what a canary's days
lead to, and which version a rollback restores; `jobs/release` carries it out. Touches nothing.
In: tags, lock files, verdicts and policies as values. Out: plans, one step after the other.
"""
