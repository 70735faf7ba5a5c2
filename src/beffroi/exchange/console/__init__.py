"""What people see of the exchange in a browser."""
