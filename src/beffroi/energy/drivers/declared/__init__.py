"""From the declaration of a meter to its driver: a module a kind, loaded where one is declared."""
