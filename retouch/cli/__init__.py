"""The command line: parse, call one verb of `engine` or `jobs`, print, map errors to exit codes.

Prints to the terminal and reads its options; holds no decisions and touches no files of its own.
In: words and options. Out: text or JSON, and an exit code.
"""
