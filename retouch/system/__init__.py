"""This machine: processes, files, archives, and `ssh-keygen`.

Decides nothing; touches the file system and starts processes. Knows nothing of DVC or GitHub.
In: paths, bytes, argument lists. Out: bytes, exit codes, measured times, or an InputError.
"""
