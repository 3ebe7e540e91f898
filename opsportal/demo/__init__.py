"""The demo: everything of the portal on one machine, with a real application to deploy.

On top of the house: it may import any of our packages, and nobody imports it.
"""
