"""`python -m bench neighbours`: the searches against one another and against their peers."""
