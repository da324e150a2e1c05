"""How other libraries come in: helpers for their arrays, the protocol of other languages, and conventions."""
