"""Do what somebody asks for in a comment on a pull request."""
