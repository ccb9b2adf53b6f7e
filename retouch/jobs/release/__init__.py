"""From a merged model to production and back: versions, canary, rollback, bundles.

`registry` decides what should happen; this carries it out, step by step, each of which can be
repeated. Writes tags, and on GitHub releases, deployments, issues and revert pull requests.
In: a checkout and its tags. Out: the steps taken, and the one that failed.
"""
