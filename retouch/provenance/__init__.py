"""Whose alert it is: registered monitors, their keys, and the verdict on one delivery.

Pure: takes the alert, what was found about its signature and the base branch's registry; returns a
`Provenance`. Checking the signature itself is `engine.admission`'s, by `system.ssh_keygen`.
"""
