"""Measurements: each prints its figures, how they were taken, and keeps them in results/."""
