"""`make fuzz`: 100,000 damaged, hostile and random inputs; each ends in a value or in one sentence.

No traceback, no second of CPU, no file opened for writing. Figures: `reports/benchmarks/fuzz.json`.
"""
