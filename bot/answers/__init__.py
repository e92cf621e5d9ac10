"""What was stated, and whether it is what the contract says."""
