"""What a job without a write token hands to the one that has it: its shape, its bounds. Pure."""
