"""Learning small algorithms.    (arXiv 1511.08228, LTRRE §2.1)"""
