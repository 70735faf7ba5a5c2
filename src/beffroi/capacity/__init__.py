"""How many hosts it takes, which, where each workload goes: plans with their proof."""
