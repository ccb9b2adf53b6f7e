"""Is every entry of `dvc.lock` one that a run made? And rerun what is doubtful.

Decides with `lockfile.integrity`; reads commits through git, and runs stages only for a repair.
In: a commit, or a branch and its base. Out: the findings, or new entries with their receipts.
"""
