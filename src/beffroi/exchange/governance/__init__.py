"""Who may see what of the territory's facts, why they are kept, and who looked."""
