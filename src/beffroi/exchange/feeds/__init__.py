"""Files and tables as sources of entities: declared, tried, sent."""
