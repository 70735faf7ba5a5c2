"""Questions: which entities, in which order, how much of each."""
