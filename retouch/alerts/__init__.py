"""The alert, its strict parser, its fingerprints and its receipt. Pure."""
