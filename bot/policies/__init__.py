"""What a policy is, and how files of them are read."""
