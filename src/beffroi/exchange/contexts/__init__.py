"""@contexts: which names stand for which IRIs."""
