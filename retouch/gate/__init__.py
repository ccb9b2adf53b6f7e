"""The candidate against the model in production makes a verdict. Pure."""
