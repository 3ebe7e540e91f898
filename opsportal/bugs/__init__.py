"""Bug tickets: priority, the product owner's consent, refinement, assignment, review (product.md, Bug tickets)."""
