"""What exists: the stage graph as values, the lineage of slices, recorded costs. Pure.

Decides which stages a slice touches: too many at worst, never too few. Touches nothing.
In: what `dvc` read of `dvc.yaml`, `dvc.lock` and params, and alerts. Out: names of stages, why.
"""
