"""How the vectors are made: recipes, the oracles that agree on them, and the tolerances derived from them."""
