"""What `refmem twins` measures: the searches and the operations that have a fast path beside the plain one."""
