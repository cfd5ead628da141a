"""The rulebook compiled to durable_rules: a second way to tell which rules apply, walled off in a child process."""
