"""The alert: its schema, strict parser, fingerprints, receipt, signature format and envelope. Pure.

Decides what a valid alert is, and which alerts speak of the same thing. Touches nothing.
In: bytes of alerts, signatures and events. Out: frozen models, or InputError with the JSON path.
"""
