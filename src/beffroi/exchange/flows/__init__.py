"""Flows: what an organisation declared to come in and to go out, and what becomes of it."""
