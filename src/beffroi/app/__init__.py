"""Settings, wiring, HTTP and command line: the only place that knows everything."""
