"""What we decide to do about it: rules, tiers, the promotion policy. Pure."""
