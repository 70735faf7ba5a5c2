"""The filler: the process that asks origins, stores pages and purges them."""
