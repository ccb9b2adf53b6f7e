"""DVC: the stage graph, `dvc repro`, parameters, the remote, objects of the cache, the run cache.

Starts DVC and reads its files and objects; decides nothing about alerts.
In: the root of a checkout. Out: `pipeline` values, stage results, digests.
"""
