"""Inventories as people have them: each kind of file read into workloads and hosts."""
