"""GitHub's REST API: one client, and a module for each kind of resource.

Sends requests and parses responses; decides nothing. What creates a thing looks first whether it
exists, so that a retry creates no duplicate. In: a repository, a token, values. Out: frozen models,
or an error that says what GitHub refused and what to do about it.
"""
