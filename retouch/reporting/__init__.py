"""Plan, run and verdict make Markdown and figures. Pure."""
