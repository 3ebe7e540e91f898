"""Logs of an environment: collected from the platform, kept, searched, followed live (product.md, Debugging)."""
