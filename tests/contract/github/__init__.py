"""GitHub's client against the local GitHub, always, and against a real repository when one is given."""
