"""Is everything set up? One check per module, a skip is a value with its reason."""
