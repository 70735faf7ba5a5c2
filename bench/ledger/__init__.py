"""What metering, rating and stating take."""
