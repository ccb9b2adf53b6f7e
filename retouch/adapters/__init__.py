"""From a monitor's own output to alerts: one module per tool, each JSON in, results out. Pure.

No monitor is imported. The verdict is the tool's own status field, never worked out again. What
the output does not say comes from the caller's context (`context.py`); what neither says is an
error (`assemble.py`).
"""
