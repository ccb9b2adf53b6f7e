"""Is every entry of dvc.lock one that a run made? And run again what is in doubt."""
