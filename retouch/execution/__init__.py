"""A plan makes a run: waves, workers, early cut-off, receipts.

Orchestrates `dvc`, `storage` and `system`.
"""
