"""The cf command line client, version 7.3, as far as the platform can see it: to hold the local cloud against."""
