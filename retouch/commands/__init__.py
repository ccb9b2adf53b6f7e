"""The commands on alerts and policies: each parses, calls a flow and prints."""
