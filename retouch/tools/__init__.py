"""The outside world, thin: git, DVC, files, processes. The only package that does I/O."""
