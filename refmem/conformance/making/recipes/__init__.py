"""The recipes: what each rule is tried on, and what it is tried for."""
