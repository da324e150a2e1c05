"""Training: what every run is made of, and how each task is trained, in a room named after the task.

Of every run: `loop` goes round until the `schedule` is spent, `adam` takes the steps after `clipping`, `progress`
tells, `interrupts` waits for the right moment, `checkpoint` keeps it all.

    one_shot/       the classifier, and its recipes by name
    algorithms/     the Neural GPU: curriculum, noise on the gradients, relaxation
    synthetic/      episodes, for the encoder-decoder and for the Extended Neural GPU
    catch/          actor and critic
    translating     the encoder-decoder, on translation
    sequences       whatever reads a sequence and says a class: retrieval, glimpses, faces
"""
