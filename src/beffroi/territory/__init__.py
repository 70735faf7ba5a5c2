"""The territory as its people declare it: organisations, sites, hosts and applications."""
