"""A branch of the repository as DVC remote: objects pushed, fetched and collected with git alone.

Touches the branch, its local folder and DVC's configuration.
In: the root of a checkout. Out: objects where DVC looks for them.
"""
