"""The cell: it runs commands as real processes, watches their health and keeps as many running as are wanted.

It knows commands, environments, ports and processes; it knows no application, route or deployment.
"""
