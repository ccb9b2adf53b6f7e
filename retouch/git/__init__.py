"""Git through its command line: commits, branches, tags, history, and files as committed.

Runs `git` in a checkout; decides nothing. Fetched branches are read as data and never checked out.
In: the root of a checkout and names of commits. Out: text, bytes and ids as git reports them.
"""
