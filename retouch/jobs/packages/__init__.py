"""What one job hands to the next, and what of it is accepted. Pure.

Decides what an event asks for, what a comment asks for, which paths a retraining may change,
whether a package keeps to its plan, and which retrains conflict. Touches nothing.
In: events, comments and packages as data, and facts of the base branch. Out: values, or the first
violation as an InputError.
"""
