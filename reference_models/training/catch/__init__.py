"""Learning to play Catch.    (FW §4.4, A.3)"""
