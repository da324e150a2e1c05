"""Hold any implementation against the specification: rules, vectors, oracles, adapters, mutants, verdicts."""
