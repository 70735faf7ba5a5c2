"""Documents of the ledger; all but the model and the figures is for a worker alone."""
