"""What is in production, and what a verdict makes of it."""
