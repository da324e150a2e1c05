"""Learning to learn a character from one drawing.    (LTRRE §4)"""
