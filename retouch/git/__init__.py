"""Git, through its command line: commits, branches, files as committed, tags, and history.

Runs `git` in a checkout; decides nothing.
In: the root of a checkout and names of commits. Out: text, bytes and ids as git reports them.
"""
