"""Processes that outlive the one that started them: launched, limited, adopted, stopped."""
