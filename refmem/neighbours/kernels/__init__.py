"""What the fast searches compile: loops over arrays, written for numba and, in the innermost ones, for LLVM."""
