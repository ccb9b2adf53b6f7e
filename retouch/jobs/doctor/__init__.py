"""Is everything set up? One finding for each check; a skipped check is a finding with its reason.

Decides what is wrong and names the fix. Changes nothing; asks git, DVC's remote and GitHub unless
offline. In: a checkout and the process's environment. Out: a diagnosis.
"""
