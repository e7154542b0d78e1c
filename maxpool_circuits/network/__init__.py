"""What circuits are made of."""
