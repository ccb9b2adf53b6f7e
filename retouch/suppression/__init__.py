"""What to make of an alert that came in: may it act, and is now the time? Pure.

`admission` decides whose alert it is and what it may cause; the other modules decide when it
counts, from the history that lies in git.
"""
