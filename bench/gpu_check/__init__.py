"""Is the same array code right on a GPU, and how fast is it there?"""
