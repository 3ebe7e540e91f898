"""The history of the sample application, as data: what changed, when, by whom, on main and on branches."""
