"""Prose over the quotes: what the model is told, and the checks that every sentence must pass before it is shown."""
