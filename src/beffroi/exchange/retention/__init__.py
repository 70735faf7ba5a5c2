"""How long history is kept: in full for a while, then as figures of hours and days."""
