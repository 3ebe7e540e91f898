"""Plugins for the whole suite; they have to be named in the topmost conftest."""

pytest_plugins = ["tests.support.append_only"]
