"""Meters of energy, one module each."""
