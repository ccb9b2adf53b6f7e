"""Check a package and write it to GitHub. Runs no code of the repository."""
