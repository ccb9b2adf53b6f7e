"""`dvc.lock` as text: entries, a merge that mixes no two entries, and where each entry comes from.

Decides whether an entry is a parent's, recorded by a run, or doubtful. No I/O.
In: texts of lock files, digests of receipts. Out: texts, digests, an `Integrity` document.
"""
