"""Runs the public NGSI-LD conformance suite against the door of the exchange."""
