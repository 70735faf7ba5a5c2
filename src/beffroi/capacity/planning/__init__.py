"""From an inventory to a plan: which hosts, what on which, in which order, and why."""
