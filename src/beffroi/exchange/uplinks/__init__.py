"""Devices: what their messages mean, and how they become measures of entities."""
