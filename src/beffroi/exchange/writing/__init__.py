"""The one writer: what a group decides, and what entities, history and log get of it."""
