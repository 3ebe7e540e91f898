"""The local cloud, held against the platform's contract over HTTP."""
