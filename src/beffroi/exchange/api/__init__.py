"""The NGSI-LD door."""
