"""Learning the synthetic task.    (LTRRE §4)"""
