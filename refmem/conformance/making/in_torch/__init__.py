"""The second oracle of operations: the same in PyTorch, as one would write it there, and its autograd."""
