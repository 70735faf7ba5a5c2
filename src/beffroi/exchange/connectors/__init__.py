"""Connectors: what of the exchange goes out to business systems, renamed and in their units."""
