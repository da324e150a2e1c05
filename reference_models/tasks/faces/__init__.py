"""Facial expressions, of people who are known only by their pictures or made up.    (FW §4.3)"""
