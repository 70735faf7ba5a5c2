"""The runtimes and the sources that hosting knows."""
