"""Whether an alert may act, and whether now is the time. Pure.

Decides the state of every alert and the groups to plan now. In: alerts with their receipts, past
answers, silences and the policy. Out: states, groups and replays. It touches no file and no clock.
"""
