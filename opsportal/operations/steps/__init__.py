"""Steps that kinds are made of. Each may be run again at any moment; only here are adapters touched."""
