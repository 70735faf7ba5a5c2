"""The exchange with engines that the system brings."""
