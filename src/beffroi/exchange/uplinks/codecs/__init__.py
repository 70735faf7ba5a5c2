"""From the bytes that a device sends to names and values."""
