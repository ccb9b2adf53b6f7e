"""What adapters share: reading records, the context, mappings, and putting an alert together.

Pure: takes parsed JSON, returns results and alerts.
"""
