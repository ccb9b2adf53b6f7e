"""A branch of the repository as DVC remote: objects pushed, fetched and collected with git alone.

Decides which objects are garbage. Touches the branch, its local folder and DVC's configuration.
In: the root of a checkout. Out: objects where DVC looks for them, and counts of what was moved.
"""
