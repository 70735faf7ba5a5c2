"""The exchange: what entities cost to write and to find."""
