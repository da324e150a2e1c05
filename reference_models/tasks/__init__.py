"""What the networks learn: a room for each task that has several files, a file for each that has one.

    one_shot/       characters, one drawing to learn each from: Omniglot, or glyphs made up on the spot
    translation/    sentences: Multi30k, or a little English and German made up on the spot
    glimpses/       digits in a fixed sequence of glimpses: MNIST, or made-up ones
    faces/          six expressions: Multi-PIE, or made-up faces
    synthetic, algorithms, retrieval, catch

`handwriting` draws for two of them, `fetch` and `download` bring the data sets.
"""
