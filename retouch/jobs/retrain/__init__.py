"""Receive alerts, retrain on the base branch, pack the result; say which results are stale.

Decides which alerts are due, where their result goes and what can be reused. Runs the repository's
code in a checkout of the base branch, so it holds no token that writes (`receive` writes, and runs
none of it).
In: an event, and the branches of open pull requests as data. Out: packages for `publish`.
"""
