"""Alerts, policy and pipeline make a plan: which stages, why, in what order. Pure."""
