"""What act does not look at and GitHub does: asserted by reading the workflow files."""
