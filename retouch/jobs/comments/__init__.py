"""Carry out the commands in comments: `/retrain`, `hold`, `discard`, `override`.

Decides whether the author may, and what a command means here. Writes to GitHub (comments,
reactions, labels, statuses, the pull request's branch) and runs no code of the repository.
In: an `issue_comment` event. Out: one sentence for the log.
"""
