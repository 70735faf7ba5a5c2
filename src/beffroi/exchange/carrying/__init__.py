"""The log, carried to where many may consume it."""
