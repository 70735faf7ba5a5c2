"""The map: what a view shows, counted by cells."""
