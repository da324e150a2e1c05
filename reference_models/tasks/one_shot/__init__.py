"""A character from one drawing: the data sets, and in which order drawings are shown and asked for.    (LTRRE §4)"""
