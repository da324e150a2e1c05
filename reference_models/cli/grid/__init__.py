"""Runs of several models, sizes and seeds side by side: each a leg with a checkpoint of its own, all in one folder.

A leg that is done is not done again; one that was stopped goes on where it stood. Several processes may work on
different legs of one folder at once: what a folder has come to is read from its checkpoints, every time.
"""
