"""Archives past one machine: vectors, and words if wanted, on a Milvus server.

A collection holds one build and is never changed once the build is published, so a reader finds in it exactly what the
files of its build speak of.
"""
