"""What measures sizes for the ledger."""
