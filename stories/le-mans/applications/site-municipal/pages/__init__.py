"""Define the pages of the municipal site and how they are shown."""
