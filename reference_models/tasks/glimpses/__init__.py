"""Digits seen through a small window that moves in a fixed order.    (FW §4.2)"""
