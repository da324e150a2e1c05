"""stub"""
def add_to(commands):
    own = commands.add_parser("fetch")
