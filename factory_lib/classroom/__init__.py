"""The workshop around the notebooks: lessons out of solutions, and what every notebook must keep to."""
