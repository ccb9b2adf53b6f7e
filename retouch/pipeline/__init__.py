"""What exists: the stage graph, the lineage of slices, recorded costs. Pure."""
