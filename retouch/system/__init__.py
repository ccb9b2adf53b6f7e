"""This machine: processes, files, pipes, archives, and `ssh-keygen`.

Touches the file system and starts processes; knows nothing of alerts, DVC or GitHub.
In: paths, bytes, argument lists. Out: bytes, exit codes.
"""
