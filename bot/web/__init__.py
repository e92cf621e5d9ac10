"""The web: the policyholder's chat page and the agents' console."""
