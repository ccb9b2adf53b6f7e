"""Running a plan stage by stage: waves, early cut-off, receipts, and the transaction around it.

Decides which planned stage starts next and which is cut off; nothing about alerts or the gate.
Touches the checkout through `dvc`, `storage` and `system`, and holds its lock while it does.
In: a plan's stages and the pipeline. Out: `Run` values with a receipt per stage, and score tables.
"""
