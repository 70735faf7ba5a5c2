"""Configure the municipal site: settings, addresses, caching."""
