"""A GitHub of our own, and what our client makes of it."""
