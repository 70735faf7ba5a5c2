"""One small JSON endpoint on each HTTP stack."""
