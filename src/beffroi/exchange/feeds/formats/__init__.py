"""Formats that rows are read from, each a module of its own."""
