"""Benches of the capacity planner."""
