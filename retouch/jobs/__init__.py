"""The verbs on GitHub: what each job of the workflows does, from an alert to production.

A folder for each job; `packages` is what one job hands to the next. Jobs that run the repository's
code hold no token that writes; jobs that write run none of it, and check what they are handed.
In: an event of GitHub and a checkout of the base branch. Out: packages, or writes to GitHub. They
touch the world only through `git`, `dvc`, `github`, `git_remote`, `storage` and `system`.
"""
