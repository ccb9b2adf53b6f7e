"""README and docs: their commands run, their links lead somewhere."""
