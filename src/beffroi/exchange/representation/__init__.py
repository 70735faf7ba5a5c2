"""Entities as JSON, and what requests change of them."""
