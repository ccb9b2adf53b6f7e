"""`dvc.lock` as text: its entries, a merge by stage, and whether each entry is a recorded run's.

Pure: takes texts and values, returns texts and findings.
"""
