"""GitHub's REST API: one client, and a module for each kind of resource.

Sends requests and reads answers; decides nothing. What creates looks first whether it is there.
In: a repository, a token, values. Out: typed answers, or an error that says what GitHub refused.
"""
