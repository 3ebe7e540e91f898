"""Home, the environment page and the components page: many packages on one page, no models."""
