"""The GitHub loop: what each job of the workflows does, from an alert to a model in production."""
