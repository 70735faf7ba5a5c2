"""History: what was so of the territory, and when."""
