"""article-qa: verbatim, cited answers from a folder of articles, or an honest silence."""

import os

# Products of matrices are small here: where anything else runs, OpenBLAS's threads wait for each other longer than they
# work (100 x 384 x 128: 0.2 ms in one thread, 7 ms in four of a busy machine). Read when numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
