"""Take alerts in, retrain on the base branch, pack what came of it. Holds no token that writes."""
