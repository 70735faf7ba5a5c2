"""The power of machines, their energy and their carbon, each with its interval and method."""
