"""What came in: the alert, its strict reading, its fingerprints. Pure."""
